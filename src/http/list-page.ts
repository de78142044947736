/** Cursors: a place in a list as the opaque text that callers send back. */
import type { ListPosition } from "../contracts/issue-filter.ts";
import { InvalidRequestError } from "./problems.ts";

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
  if (position === null) throw foreignCursor();
  return position;
}

/** The same for a page of a merged list. */
export function nextCursorOf(next: ListPosition | null): string | null {
  return next === null ? null : encodeCursor(next);
}

/** The error for a cursor that no page of the list gave. */
export function foreignCursor(): InvalidRequestError {
  return new InvalidRequestError([{ field: "cursor", message: "is not a cursor of this list" }]);
}
