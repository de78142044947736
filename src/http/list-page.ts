/** Pages of a list that is read from two places, newest first by the immutable `(createdAtMs, id)`. */
import type { ListPosition } from "../contracts/organization-rpc.ts";
import { InvalidRequestError } from "./problems.ts";

interface Listed {
  readonly id: string;
  readonly createdAtMs: number;
}

function newestFirst(left: Listed, right: Listed): number {
  if (left.createdAtMs !== right.createdAtMs) return right.createdAtMs - left.createdAtMs;
  return left.id < right.id ? 1 : -1;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; null when neither place has more. */
  readonly next: ListPosition | null;
}

/**
 * One page of what the object and Postgres each gave. Each was asked for `limit + 1`, and Postgres to leave out what
 * the object answers for, so nothing appears twice.
 */
export function mergePage<Item extends Listed>(
  fromObject: readonly Item[],
  fromPostgres: readonly Item[],
  limit: number,
): Page<Item> {
  const merged = [...fromObject, ...fromPostgres].sort(newestFirst);
  const items = merged.slice(0, limit);
  const last = items.at(-1);
  const hasMore = merged.length > limit && last !== undefined;
  return { items, next: hasMore ? { createdAtMs: last.createdAtMs, id: last.id } : null };
}

/** A position as the opaque text that callers send back. */
export function encodeCursor(position: ListPosition): string {
  return `${position.createdAtMs.toString(36)}.${position.id}`;
}

const cursorPattern = /^(?<time>[0-9a-z]{1,9})\.(?<id>[A-Za-z0-9_]{1,64})$/u;

/** The position behind a cursor; null when the text is none. */
export function decodeCursor(cursor: string): ListPosition | null {
  const groups = cursorPattern.exec(cursor)?.groups;
  const time = groups?.["time"];
  const id = groups?.["id"];
  return time === undefined || id === undefined ? null : { createdAtMs: Number.parseInt(time, 36), id };
}

/** Where a page begins; null at the start of the list. Throws `invalid_request` for a cursor that is none. */
export function positionOf(cursor: string | undefined): ListPosition | null {
  if (cursor === undefined) return null;
  const position = decodeCursor(cursor);
  if (position !== null) return position;
  throw new InvalidRequestError([{ field: "cursor", message: "is not a cursor of this list" }]);
}
