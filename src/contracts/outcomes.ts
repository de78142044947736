/** How often agents' work came to a good end on a model: counts without a word of what the work was. */
import type { ModelName } from "./models.ts";

/** Ended work of one definition of an agent on one model. */
export interface OutcomeCount {
  readonly agentType: string;
  /** The definition's version: another prompt is another agent. */
  readonly agentVersion: string;
  readonly model: ModelName;
  readonly succeeded: number;
  readonly failed: number;
}

/** An organization's own counts so far, of those that have changed; older ones never count for more than newer ones. */
export interface OutcomeReport {
  readonly organizationId: string;
  readonly counts: readonly OutcomeCount[];
}

/** Fewer ends say nothing yet. */
const minEnds = 10;
const poorBelow = 0.5;
const provenFrom = 0.95;

export type OutcomeVerdict = "unknown" | "poor" | "fair" | "proven";

/** What the counts say of an agent on a model. */
export function outcomeVerdict({ succeeded, failed }: Pick<OutcomeCount, "succeeded" | "failed">): OutcomeVerdict {
  const ends = succeeded + failed;
  if (ends < minEnds) return "unknown";
  const share = succeeded / ends;
  if (share < poorBelow) return "poor";
  return share >= provenFrom ? "proven" : "fair";
}

/** Reasons of failures that say something of agent and model, and not of money, providers or our own faults. */
const tellingReasons: ReadonlySet<string> = new Set([
  "stuck",
  "steps",
  "tokens",
  "time",
  "refused",
  "empty_answer",
  "unreadable_answer",
  "context_full",
  "answer_too_large",
]);

/** Whether an end counts, and as what. */
export function outcomeOf(end: {
  readonly status: string;
  readonly error: { readonly reason: string } | null;
}): "succeeded" | "failed" | null {
  if (end.status === "COMPLETED") return "succeeded";
  return end.status === "FAILED" && end.error !== null && tellingReasons.has(end.error.reason) ? "failed" : null;
}
