/** Pages of a list that is read from two places, newest first by the immutable `(createdAtMs, id)`. */
import type { ListPosition } from "../contracts/issue-filter.ts";
import type { UnprojectedPart } from "../contracts/organization-rpc.ts";

/** How often both places are asked for one page, before it is answered with fewer items than it could hold. */
const maxRounds = 5;

/** A stretch of the list that Postgres is asked for: without what the object answers for. */
interface Stretch {
  readonly before: ListPosition | null;
  readonly through: ListPosition | null;
  readonly excludeIds: readonly string[];
  readonly limit: number;
}

export interface ListSources<Item> {
  readonly object: (query: {
    readonly before: ListPosition | null;
    readonly limit: number;
  }) => Promise<UnprojectedPart<Item>>;
  /** Null when Postgres cannot be read. */
  readonly postgres: (stretch: Stretch) => Promise<readonly Item[] | null>;
}

export interface MergedPage<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; null when neither place has more. */
  readonly next: ListPosition | null;
  /** Postgres could not be read: what only it holds is missing. */
  readonly partial: boolean;
}

function newestFirst(left: ListPosition, right: ListPosition): number {
  if (left.createdAtMs !== right.createdAtMs) return right.createdAtMs - left.createdAtMs;
  return left.id < right.id ? 1 : -1;
}

function positionOfItem({ createdAtMs, id }: ListPosition): ListPosition {
  return { createdAtMs, id };
}

/**
 * One page. The object is asked first and Postgres after it, so whatever the object holds to be projected is there; what
 * it answers for itself is left out there, however far ahead Postgres is by then. Where the object cuts its answer short,
 * both are asked again for what follows.
 */
export async function readMergedPage<Item extends ListPosition>(
  sources: ListSources<Item>,
  { before, limit }: { readonly before: ListPosition | null; readonly limit: number },
): Promise<MergedPage<Item>> {
  const items: Item[] = [];
  let partial = false;
  let from = before;
  for (let round = 1; ; round += 1) {
    const missing = limit - items.length + 1;
    const part = await sources.object({ before: from, limit: missing });
    const stretch = { before: from, through: part.through, excludeIds: part.replacedIds, limit: missing };
    const rows: readonly Item[] | null = partial ? null : await sources.postgres(stretch);
    partial ||= rows === null;
    items.push(...[...part.matching, ...(rows ?? [])].sort(newestFirst));

    const last = items[limit - 1];
    if (items.length > limit && last !== undefined) {
      return { items: items.slice(0, limit), next: positionOfItem(last), partial };
    }
    if (part.through === null || items.length === limit || round === maxRounds) {
      return { items, next: part.through, partial };
    }
    from = part.through;
  }
}
