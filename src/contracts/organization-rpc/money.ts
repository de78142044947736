/** What a model call may cost is set aside before it, and settled after it. */
import type { TokenUsage } from "../../core/money.ts";
import type { Addressed } from "./outcome.ts";
import type { EpochAnswer, EpochRef } from "./slices.ts";

/** The next model call of a slice: the step that it will be, numbered within the attempt. */
export interface CallRef extends EpochRef {
  readonly stepNumber: number;
}

export interface ReserveCommand extends CallRef {
  /** The most that the call can cost. */
  readonly amountMicroUsd: number;
}

/** Whose budget does not hold what a call may cost. */
export type BudgetOwner = "job" | "organization_day" | "organization_month";

export type ReserveAnswer =
  | { readonly kind: "reserved" }
  | { readonly kind: "refused"; readonly by: BudgetOwner }
  | { readonly kind: "stale" };

export interface SettleCommand extends CallRef {
  /** What was seen of a call without an answer; null when nothing is known. */
  readonly usage: TokenUsage | null;
}

export interface BudgetUse {
  readonly limitMicroUsd: number;
  readonly committedMicroUsd: number;
  readonly reservedMicroUsd: number;
  /** When the period ends and the next one begins with nothing used. */
  readonly resetAtMs: number;
}

/** The organization's spending in the present UTC day and month. */
export interface BudgetReport {
  readonly day: BudgetUse;
  readonly month: BudgetUse;
}

export interface MoneyCalls {
  readBudget(ref: Addressed): Promise<BudgetReport>;
  /**
   * Sets aside what the slice's next model call may cost, for the job, the organization's day and its month; the
   * checkpoint with that step commits what it did cost. Asking again for the same call changes nothing.
   */
  reserve(command: ReserveCommand): Promise<ReserveAnswer>;
  /** Gives back what was set aside for a call that provably never reached the model; accepted when `settle` would be. */
  release(ref: CallRef): Promise<EpochAnswer>;
  /**
   * Settles a model call that gave no answer: commits, as an estimate, what was seen of it, or all that was set aside.
   * Accepted from the epoch that holds the job, and once, within 15 s, from the one that held it when it was cancelled.
   */
  settle(command: SettleCommand): Promise<EpochAnswer>;
}
