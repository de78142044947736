/** How much an organization has submitted lately, and what that leaves. */
import type { Allowance } from "../../contracts/organization-rpc.ts";
import type { OrganizationLimits } from "../../contracts/terms.ts";

export const hourMs = 60 * 60_000;
export const dayMs = 24 * hourMs;

export interface SubmissionUsage {
  /** The time that counts: now, but never before the last submission. */
  readonly atMs: number;
  /** Submissions within the hour up to now, and of the UTC day. */
  readonly lastHour: number;
  readonly today: number;
  /** When the oldest submission within the hour was made; null when there is none. */
  readonly oldestAtMs: number | null;
  /** When another one fits into the hour; null while one does. */
  readonly roomAtMs: number | null;
}

/** Start of the UTC day after the one that the time lies in. */
export function nextUtcDayMs(nowMs: number): number {
  return nowMs - (nowMs % dayMs) + dayMs;
}

/** What is left once so many more submissions have been admitted. */
export function allowancesAfter(
  usage: SubmissionUsage,
  limits: Pick<OrganizationLimits, "issuesPerHour" | "issuesPerDay">,
  more = 1,
): { readonly rate: Allowance; readonly quota: Allowance } {
  const { issuesPerHour, issuesPerDay } = limits;
  return {
    rate: {
      limit: issuesPerHour,
      remaining: Math.max(0, issuesPerHour - usage.lastHour - more),
      resetAtMs: (usage.oldestAtMs ?? usage.atMs) + hourMs,
    },
    quota: {
      limit: issuesPerDay,
      remaining: Math.max(0, issuesPerDay - usage.today - more),
      resetAtMs: nextUtcDayMs(usage.atMs),
    },
  };
}
