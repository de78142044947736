/** The parts of an attempt as the loop sees them: what is fixed, what grows, and what it needs from outside. */
import type { z } from "zod";
import type { Clock } from "../core/clock.ts";
import type { ModelPrice, TokenUsage } from "../core/money.ts";
import type { AttemptPrompt, Checkpoint, EpochRef, ReserveAnswer } from "../contracts/organization-rpc.ts";
import type { MessageRecord, QuestionDraft } from "../contracts/conversation.ts";
import type { ModelPort, ModelToolCall } from "../contracts/ports.ts";
import type { ToolExecution } from "../tools/execute-tool.ts";
import type { LoopLimits, LoopStop } from "./stops.ts";

export type CheckpointDraft = Omit<Checkpoint, keyof EpochRef>;

/** Money for model calls. A call is numbered as the step that its answer will be. */
export interface CallMoney {
  /** Sets aside the most that the call can cost; the checkpoint with its step commits what it did cost. */
  readonly reserve: (stepNumber: number, amountMicroUsd: number) => Promise<ReserveAnswer>;
  /** Gives it back: the call provably never reached the model. */
  readonly release: (stepNumber: number) => Promise<void>;
  /** Ends a call without an answer, with what was seen of it; null when nothing is known. */
  readonly settle: (stepNumber: number, usage: TokenUsage | null) => Promise<void>;
}

export interface LoopPorts {
  readonly model: ModelPort;
  readonly clock: Clock;
  /** Runs one tool call, which becomes the step of this number. Throws only for faults that are not the model's. */
  readonly runTool: (call: ModelToolCall, stepNumber: number) => Promise<ToolExecution>;
  /** The question among a turn's calls that a person has to answer before they are run; null when there is none. */
  readonly openQuestion: (calls: readonly ModelToolCall[]) => QuestionDraft | null;
  /** What people have said that the transcript does not hold yet, as of the last checkpoint. */
  readonly unheard: () => readonly MessageRecord[];
  /** Saves what a turn added; false when another slice holds the job. */
  readonly saveCheckpoint: (draft: CheckpointDraft) => Promise<boolean>;
  readonly money: CallMoney;
  readonly onText: (text: string) => void;
  /** How long slices of the job have run, this one included. */
  readonly ranForMs: () => number;
  /** The stop that waits for this slice's next checkpoint; null when it may go on. */
  readonly pendingStop: () => "yielded" | "paused" | null;
}

/** What is fixed for the whole attempt. */
export interface LoopAttempt {
  readonly jobId: string;
  readonly number: number;
  readonly prompt: AttemptPrompt;
  /** Form of the final answer; null for an agent that ends by calling `finish`. */
  readonly answer: z.ZodType | null;
  /** Steps that earlier attempts of the job took. */
  readonly earlierSteps: number;
  readonly price: ModelPrice;
  readonly maxTokens: number;
  readonly limits: LoopLimits;
}

/** What grows with every checkpoint. */
export interface LoopState {
  readonly messages: readonly string[];
  readonly stepCount: number;
  /** Cost of the job so far, all attempts, in micro-dollars. */
  readonly costMicroUsd: number;
  /** Tokens of the job's model calls so far, cached or not, all attempts. */
  readonly tokenCount: number;
  /** What the attempt's last model call used; null before the first. */
  readonly lastUsage: TokenUsage | null;
}

/** What a turn came to: something to save, or the stop that it ran into. */
export type Turn =
  | { readonly kind: "save"; readonly draft: CheckpointDraft }
  | { readonly kind: "stop"; readonly stop: LoopStop };
