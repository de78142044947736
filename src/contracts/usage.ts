/** What model calls used and cost, summed by whatever is asked for. */

/** By what sums are formed; a `step` is one model call. */
export const usageDimensions = ["day", "organization", "module", "agent", "model", "job", "step"] as const;
export type UsageDimension = (typeof usageDimensions)[number];

export interface UsageQuery {
  /** Null sums over all organizations, which is for platform administrators. */
  readonly organizationId: string | null;
  /** Calls from then on, and before then. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** In this order, each at most once. */
  readonly groupBy: readonly UsageDimension[];
  /** The last row's `keys`; null at the beginning. */
  readonly after: readonly string[] | null;
  readonly limit: number;
}

export interface UsageSums {
  readonly calls: number;
  /** Calls without an answer, among them; what they cost was estimated. */
  readonly estimatedCalls: number;
  readonly inputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheReadTokens: number;
  readonly outputTokens: number;
  readonly costMicroUsd: number;
  /** The part of the cost that was estimated. */
  readonly estimatedMicroUsd: number;
}

export interface UsageRow extends UsageSums {
  /** One for each of `groupBy`, in its order: a day as `2026-11-24`, a step as `<job>/<attempt>/<number>`. */
  readonly keys: readonly string[];
}

export interface UsagePage {
  /** In ascending order of their keys. */
  readonly rows: readonly UsageRow[];
  /** When Postgres was last told of something; null when it never was. */
  readonly asOfMs: number | null;
}

/** The share of a prompt's tokens that came from the cache; null when nothing was sent. */
export function cacheShareOf({
  inputTokens,
  cacheWriteTokens,
  cacheReadTokens,
}: Pick<UsageSums, "inputTokens" | "cacheWriteTokens" | "cacheReadTokens">): number | null {
  const promptTokens = inputTokens + cacheWriteTokens + cacheReadTokens;
  return promptTokens === 0 ? null : cacheReadTokens / promptTokens;
}
