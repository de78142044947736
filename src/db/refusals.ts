/** How the projection gets past an event that Postgres refuses: around it, at it alone, and in the end without it. */

/** An event that Postgres refused, and how often in a row. */
export interface Refusal {
  readonly incarnation: string;
  readonly seq: number;
  readonly reason: string;
  readonly times: number;
}

export interface PagePlan {
  /** Events up to this number are projected; null for all. */
  readonly throughSeq: number | null;
  /** The event that is to be parked instead of applied. */
  readonly park: Refusal | null;
}

/** After this many refusals an event is parked. */
const maxRefusals = 3;

/**
 * What the next page holds. After a refusal first what came before it, so that its trouble is its own; then it alone; and
 * after the last refusal the page goes on past it.
 */
export function planPage(
  refusal: Refusal | null,
  cursor: { readonly incarnation: string; readonly seq: number },
): PagePlan {
  if (refusal === null || refusal.incarnation !== cursor.incarnation || cursor.seq >= refusal.seq) {
    return { throughSeq: null, park: null };
  }
  if (refusal.times >= maxRefusals) return { throughSeq: null, park: refusal };
  return { throughSeq: cursor.seq < refusal.seq - 1 ? refusal.seq - 1 : refusal.seq, park: null };
}

/** Counts a refusal, anew for another event than before. */
export function countRefusal(before: Refusal | null, now: Omit<Refusal, "times">): Refusal {
  const isSame = before !== null && before.incarnation === now.incarnation && before.seq === now.seq;
  return { ...now, times: isSame ? before.times + 1 : 1 };
}
