/** The parts of an attempt as the loop sees them: what is fixed, what grows, and what it needs from outside. */
import type { z } from "zod";
import type { Clock } from "../core/clock.ts";
import type { ModelPrice, TokenUsage } from "../core/money.ts";
import type { AttemptPrompt, Checkpoint, EpochRef } from "../contracts/organization-rpc.ts";
import type { ModelPort, ModelToolCall } from "../contracts/ports.ts";
import type { ToolExecution } from "../tools/execute-tool.ts";
import type { LoopLimits, LoopStop } from "./stops.ts";

export type CheckpointDraft = Omit<Checkpoint, keyof EpochRef>;

export interface LoopPorts {
  readonly model: ModelPort;
  readonly clock: Clock;
  /** Runs one tool call. Throws only for faults that are not the model's. */
  readonly runTool: (call: ModelToolCall) => Promise<ToolExecution>;
  /** Saves what a turn added; false when another slice holds the job. */
  readonly saveCheckpoint: (draft: CheckpointDraft) => Promise<boolean>;
  readonly onText: (text: string) => void;
  /** Tells what was seen of a model call that an abort left without an answer; null when nothing was. */
  readonly settleCall: (stepNumber: number, usage: TokenUsage | null) => Promise<void>;
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
}

/** What a turn came to: something to save, or the stop that it ran into. */
export type Turn =
  | { readonly kind: "save"; readonly draft: CheckpointDraft }
  | { readonly kind: "stop"; readonly stop: LoopStop };
