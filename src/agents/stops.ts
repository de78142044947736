/** How a run of the loop can end, and the limits that end it. */
import type { ModelFailureClass } from "../contracts/ports.ts";

/** Every end of a run has a name. `stale` ends the slice alone: another one holds the job. */
export type LoopStop =
  /** `answer` is the parsed data of an agent that answers with data, else null. */
  | { readonly kind: "done"; readonly summary: string; readonly answer: unknown }
  | { readonly kind: "refused" }
  | { readonly kind: "steps"; readonly limit: number }
  | { readonly kind: "budget"; readonly limitMicroUsd: number }
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

export interface LoopLimits {
  readonly steps: number;
  readonly costMicroUsd: number;
  readonly modelCallMaxMs: number;
}

export interface LoopUse {
  readonly stepCount: number;
  /** Cost of the job so far, all attempts. */
  readonly costMicroUsd: number;
}

/** The stop that comes before the next model call; null when there may be one. */
export function limitReached(use: LoopUse, limits: LoopLimits): LoopStop | null {
  if (use.stepCount >= limits.steps) return { kind: "steps", limit: limits.steps };
  if (use.costMicroUsd >= limits.costMicroUsd) return { kind: "budget", limitMicroUsd: limits.costMicroUsd };
  return null;
}

/** A failure that ends the attempt. */
export function failedAttempt(reason: string, message: string): LoopStop {
  return { kind: "failed", failureClass: "permanent", reason, message, retryAfterMs: null };
}
