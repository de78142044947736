/** Effects on the outside world: called by the effects consumer. */
import type { EpochAnswer } from "./slices.ts";
import type { JobError, PullRequestPlan, PullRequestResult } from "../records.ts";
import type { Addressed } from "./outcome.ts";

export interface EffectRef extends Addressed {
  readonly effectId: string;
}

export type EffectClaim =
  | { readonly kind: "claimed"; readonly epoch: number; readonly plan: PullRequestPlan; readonly issueId: string }
  | { readonly kind: "stale" };

export interface EffectOutcome extends EffectRef {
  readonly epoch: number;
  readonly outcome:
    | { readonly kind: "completed"; readonly result: PullRequestResult }
    | { readonly kind: "transient"; readonly error: JobError; readonly retryAfterMs: number | null }
    | { readonly kind: "permanent"; readonly error: JobError };
}

export interface EffectCalls {
  claimEffect(ref: EffectRef): Promise<EffectClaim>;
  renewEffect(ref: EffectRef & { readonly epoch: number }): Promise<EpochAnswer>;
  finishEffect(outcome: EffectOutcome): Promise<EpochAnswer>;
}
