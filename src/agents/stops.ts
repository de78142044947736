/** How a run of the loop can end, and the limits that end it. */
import type { JobCeilings } from "../contracts/ceilings.ts";
import type { ModelFailureClass } from "../contracts/ports.ts";

/** Every end of a run has a name. `stale` ends the slice alone: another one holds the job. */
export type LoopStop =
  /** `answer` is the parsed data of an agent that answers with data, else null. */
  | { readonly kind: "done"; readonly summary: string; readonly answer: unknown }
  | { readonly kind: "refused" }
  | { readonly kind: "steps"; readonly limit: number }
  | { readonly kind: "time"; readonly limitMs: number }
  | { readonly kind: "budget"; readonly by: "job"; readonly limitMicroUsd: number }
  | { readonly kind: "budget"; readonly by: "organization_day" | "organization_month" }
  /** The slice's time is over; the next slice goes on from the last checkpoint. */
  | { readonly kind: "yielded" }
  /** An operator wants the job to pause; it goes on from here once it is resumed. */
  | { readonly kind: "paused" }
  /** The job is over, by command: the slice reports nothing more of it. */
  | { readonly kind: "cancelled" }
  | { readonly kind: "stale" }
  | {
      readonly kind: "failed";
      readonly failureClass: ModelFailureClass;
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs: number | null;
    };

/** The reason that a slice's abort signal carries. */
export class SliceAborted extends Error {
  override readonly name = "SliceAborted";
  readonly stop: "stale" | "yielded" | "cancelled";

  constructor(stop: SliceAborted["stop"], message: string) {
    super(message);
    this.stop = stop;
  }
}

export interface LoopLimits extends JobCeilings {
  readonly modelCallMaxMs: number;
}

export interface LoopUse {
  /** Steps of the job so far, all attempts. */
  readonly stepCount: number;
  /** How long slices of the job have run. */
  readonly ranForMs: number;
  /** Cost of the job so far, all attempts. */
  readonly costMicroUsd: number;
}

/** The stop that comes before the next model call; null when there may be one. */
export function limitReached(use: LoopUse, limits: LoopLimits): LoopStop | null {
  if (use.stepCount >= limits.steps) return { kind: "steps", limit: limits.steps };
  if (use.ranForMs >= limits.runningMs) return { kind: "time", limitMs: limits.runningMs };
  if (use.costMicroUsd >= limits.costMicroUsd) return jobBudgetSpent(limits);
  return null;
}

/** The job's own ceiling does not hold what the next call may cost. */
export function jobBudgetSpent({ costMicroUsd }: Pick<LoopLimits, "costMicroUsd">): LoopStop {
  return { kind: "budget", by: "job", limitMicroUsd: costMicroUsd };
}

/** A failure that ends the attempt. */
export function failedAttempt(reason: string, message: string): LoopStop {
  return { kind: "failed", failureClass: "permanent", reason, message, retryAfterMs: null };
}
