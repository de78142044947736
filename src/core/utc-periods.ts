/** Days and months of the calendar in UTC, which quotas and budgets are counted by. */

export type PeriodKind = "day" | "month";

/** From `startMs` up to, but not including, `endMs`; both are epoch times. */
export interface Period {
  readonly kind: PeriodKind;
  readonly startMs: number;
  readonly endMs: number;
}

/** The UTC day or month that the time lies in. */
export function periodAt(kind: PeriodKind, atMs: number): Period {
  const at = new Date(atMs);
  const year = at.getUTCFullYear();
  const month = at.getUTCMonth();
  if (kind === "month") return { kind, startMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1) };
  const day = at.getUTCDate();
  return { kind, startMs: Date.UTC(year, month, day), endMs: Date.UTC(year, month, day + 1) };
}
