import type { StepRecord } from "../../contracts/records.ts";

export type CheckpointDecision =
  | { readonly kind: "apply" }
  | { readonly kind: "repeat" }
  | { readonly kind: "gap"; readonly expected: number; readonly got: number };

/**
 * Whether a checkpoint is new. One with steps is known by the number of its first; one without by the messages that are heard
 * with it, whatever was accepted since, or because it equals the last accepted one, and that had no steps either.
 */
export function decideCheckpoint(
  checkpoint: { readonly steps: readonly Pick<StepRecord, "number">[] },
  known: { readonly stepsRecorded: number; readonly isLastStepless: boolean; readonly isHeard: boolean },
): CheckpointDecision {
  const [first] = checkpoint.steps;
  if (first === undefined) return { kind: known.isLastStepless || known.isHeard ? "repeat" : "apply" };
  const expected = known.stepsRecorded + 1;
  if (first.number === expected) return { kind: "apply" };
  return first.number < expected ? { kind: "repeat" } : { kind: "gap", expected, got: first.number };
}
