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
 * What the next page holds. After a refusal first what came before the event, then the event alone, and after the last
 * refusal the page that parks it. Each such page ends there, so that another refusal cannot undo it.
 */
export function planPage(
  refusal: Refusal | null,
  cursor: { readonly incarnation: string; readonly seq: number },
): PagePlan {
  if (refusal === null || refusal.incarnation !== cursor.incarnation || cursor.seq >= refusal.seq) {
    return { throughSeq: null, park: null };
  }
  if (cursor.seq < refusal.seq - 1) return { throughSeq: refusal.seq - 1, park: null };
  return { throughSeq: refusal.seq, park: refusal.times >= maxRefusals ? refusal : null };
}

/** Counts a refusal, anew for another event than before. */
export function countRefusal(before: Refusal | null, now: Omit<Refusal, "times">): Refusal {
  const isSame = before !== null && before.incarnation === now.incarnation && before.seq === now.seq;
  return { ...now, times: isSame ? before.times + 1 : 1 };
}
