/** How a run of the loop can end, and the limits that end it. */
import type { JobCeilings } from "../contracts/ceilings.ts";
import type { QuestionDraft } from "../contracts/conversation.ts";
import type { ModelFailureClass } from "../contracts/ports.ts";
import type { StuckLimits } from "./progress.ts";
import type { Scarcity } from "./transcript.ts";

/** Every end of a run has a name. `stale` ends the slice alone: another one holds the job. */
export type LoopStop =
  /** `answer` is the parsed data of an agent that answers with data, else null. */
  | { readonly kind: "done"; readonly summary: string; readonly answer: unknown }
  /** A person has to answer before the turn's calls are run. */
  | { readonly kind: "asked"; readonly question: QuestionDraft }
  | { readonly kind: "refused" }
  | { readonly kind: "steps"; readonly limit: number }
  | { readonly kind: "tokens"; readonly limit: number }
  | { readonly kind: "time"; readonly limitMs: number }
  | { readonly kind: "budget"; readonly by: "job"; readonly limitMicroUsd: number }
  | { readonly kind: "budget"; readonly by: "organization_day" | "organization_month" }
  /** The agent repeats itself, and was told so. */
  | { readonly kind: "stuck" }
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
      /** Whether it was the model that gave no answer. */
      readonly isModelFault?: true;
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
  readonly stuck: StuckLimits;
}

export interface LoopUse {
  /** Steps of the job so far, all attempts. */
  readonly stepCount: number;
  /** Tokens of all its model calls so far, cached or not, all attempts. */
  readonly tokenCount: number;
  /** How long slices of the job have run. */
  readonly ranForMs: number;
  /** Cost of the job so far, all attempts. */
  readonly costMicroUsd: number;
}

/** The stop that comes before the next model call; null when there may be one. */
export function limitReached(use: LoopUse, limits: LoopLimits): LoopStop | null {
  if (use.stepCount >= limits.steps) return { kind: "steps", limit: limits.steps };
  if (use.tokenCount >= limits.tokens) return { kind: "tokens", limit: limits.tokens };
  if (use.ranForMs >= limits.runningMs) return { kind: "time", limitMs: limits.runningMs };
  if (use.costMicroUsd >= limits.costMicroUsd) return jobBudgetSpent(limits);
  return null;
}

/** From this part of a ceiling on, the agent is told to wrap up. */
const wrapUpShare = 0.8;

/** What the job runs short of, the scarcest first; null while there is enough of everything. */
export function scarcityOf(use: LoopUse, limits: LoopLimits): Scarcity | null {
  const shares: readonly (readonly [Scarcity, number])[] = [
    ["steps", use.stepCount / limits.steps],
    ["tokens", use.tokenCount / limits.tokens],
    ["time", use.ranForMs / limits.runningMs],
    ["money", use.costMicroUsd / limits.costMicroUsd],
  ];
  const [scarcest] = shares.filter(([, share]) => share >= wrapUpShare).toSorted(([, left], [, right]) => right - left);
  return scarcest?.[0] ?? null;
}

/** The job's own ceiling does not hold what the next call may cost. */
export function jobBudgetSpent({ costMicroUsd }: Pick<LoopLimits, "costMicroUsd">): LoopStop {
  return { kind: "budget", by: "job", limitMicroUsd: costMicroUsd };
}

/** A failure that ends the attempt. */
export function failedAttempt(reason: string, message: string): LoopStop {
  return { kind: "failed", failureClass: "permanent", reason, message, retryAfterMs: null };
}

/** A failure that no other attempt can change. */
export function failedForGood(reason: string, message: string): LoopStop {
  return { kind: "failed", failureClass: "final", reason, message, retryAfterMs: null };
}
