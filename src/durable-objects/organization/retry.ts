/** What a failure leads to: a wait, a new attempt, or the end. */
import type { ModelName } from "../../contracts/models.ts";

const transientBaseMs = 1_000;
const transientMaxMs = 5 * 60_000;
/** A provider that stays away so long ends the job. */
export const transientLimitMs = 24 * 60 * 60_000;
/** Within a wait this short the job keeps its slot. */
const slotKeptMs = 5_000;
/** After so many transient failures in a row a job whose agent has a fall-back model goes over to it, breaker or not. */
const fallBackAfter = 3;
const effectMaxTries = 8;
/** A job whose slices fall silent so often in a row, without a new checkpoint, is what silences them. */
export const poisonousLosses = 5;

export interface JobFailure {
  readonly failureClass: "transient" | "permanent" | "final";
  readonly retryAfterMs: number | null;
  /** Transient failures before this one, since the last accepted step; and for how long they have gone on. */
  readonly transientFailures: number;
  readonly transientForMs: number;
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Another model that the job may go on with when its own is what failed; null when there is none. */
  readonly fallbackModel: ModelName | null;
  /** Whether others know the job's model to be out of reach too: its breaker is not closed. */
  readonly isOutOfReach: boolean;
}

export type FailureDecision =
  | { readonly kind: "wait"; readonly delayMs: number; readonly keepSlot: boolean }
  | { readonly kind: "new_attempt" }
  /** A new attempt on another model, which uses up none of the job's own. */
  | { readonly kind: "fall_back"; readonly model: ModelName }
  | { readonly kind: "give_up"; readonly reason: "provider_unavailable" | null };

/** Back-off that doubles, with half of it drawn by `random` from 0 to 1, and never earlier than the other side asked. */
export function backOffMs(failuresBefore: number, retryAfterMs: number | null, random: number): number {
  const fullMs = Math.min(transientBaseMs * 2 ** Math.min(failuresBefore, 30), transientMaxMs);
  return Math.max(Math.round(fullMs * (0.5 + random / 2)), retryAfterMs ?? 0);
}

export type LostSliceDecision =
  | { readonly kind: "run_again" }
  | { readonly kind: "give_up"; readonly reason: "poison" };

/** Decides what becomes of a job whose slice fell silent; `losses` counts since the last new checkpoint, with this one. */
export function decideLostSlice(losses: number): LostSliceDecision {
  return losses < poisonousLosses ? { kind: "run_again" } : { kind: "give_up", reason: "poison" };
}

/** Decides what becomes of a job whose slice failed; `random` lies between 0 and 1. */
export function decideJobFailure(failure: JobFailure, random: number): FailureDecision {
  switch (failure.failureClass) {
    case "transient": {
      if (failure.transientForMs >= transientLimitMs) return { kind: "give_up", reason: "provider_unavailable" };
      const isLeft = failure.isOutOfReach || failure.transientFailures + 1 >= fallBackAfter;
      if (failure.fallbackModel !== null && isLeft) {
        return { kind: "fall_back", model: failure.fallbackModel };
      }
      const delayMs = backOffMs(failure.transientFailures, failure.retryAfterMs, random);
      return { kind: "wait", delayMs, keepSlot: delayMs <= slotKeptMs };
    }
    case "permanent":
      return failure.attempts < failure.maxAttempts ? { kind: "new_attempt" } : { kind: "give_up", reason: null };
    case "final":
  }
  return { kind: "give_up", reason: null };
}

export type EffectRetryDecision = { readonly kind: "wait"; readonly delayMs: number } | { readonly kind: "give_up" };

/** Decides whether an effect whose try failed, or was cut off, is tried again. */
export function decideEffectRetry(attempts: number, retryAfterMs: number | null, random: number): EffectRetryDecision {
  if (attempts >= effectMaxTries) return { kind: "give_up" };
  return { kind: "wait", delayMs: backOffMs(attempts - 1, retryAfterMs, random) };
}
