/** A scripted model and an attempt in memory, for tests of the agents' loop. */
import type { CallMoney, CheckpointDraft, LoopAttempt, LoopPorts, LoopState } from "../../src/agents/attempt.ts";
import { runLoop } from "../../src/agents/loop.ts";
import type { LoopStop } from "../../src/agents/stops.ts";
import { parseMessage, userMessage, type TranscriptMessage } from "../../src/agents/transcript.ts";
import { defaultCeilings } from "../../src/contracts/ceilings.ts";
import { modelTable } from "../../src/contracts/models.ts";
import { promptTokensOf } from "../../src/core/money.ts";
import type { ModelPort, ModelReply, ModelRequest } from "../../src/contracts/ports.ts";
import type { StepRecord } from "../../src/contracts/records.ts";
import type { ToolExecution } from "../../src/tools/execute-tool.ts";

export interface ScriptedTurn {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input?: unknown }[];
  readonly stopReason?: string;
}

/** What the model answers to a transcript; a function of the transcript alone, as a real repeated call would be. */
export type ModelScript = (transcript: readonly TranscriptMessage[]) => ScriptedTurn | Promise<ScriptedTurn>;

export function replyOf({ text = "", calls = [], stopReason }: ScriptedTurn): ModelReply {
  const toolCalls = calls.map((call) => ({ input: {}, ...call }));
  const content = [
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...toolCalls.map((call) => ({ type: "tool_use", ...call })),
  ];
  return {
    message: JSON.stringify({ role: "assistant", content }),
    text,
    toolCalls,
    stopReason: stopReason ?? (toolCalls.length > 0 ? "tool_use" : "end_turn"),
    usage: { inputTokens: 10, cacheWriteTokens: 100, cacheReadTokens: 1_000, outputTokens: 50 },
  };
}

/** A model port that follows a script and keeps every request. */
export function scriptedModel(script: ModelScript): ModelPort & { readonly requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    requests,
    call: async (request, { signal }) => {
      signal.throwIfAborted();
      requests.push(request);
      return replyOf(await script(request.messages.map((message) => parseMessage(message))));
    },
  };
}

/** A script that answers the n-th call of the transcript with the n-th turn. */
export function inOrder(turns: readonly ScriptedTurn[]): ModelScript {
  return (transcript) => {
    const turn = turns[transcript.filter((message) => message.role === "assistant").length];
    if (turn === undefined) throw new Error("the script has no further turn");
    return turn;
  };
}

export const firstMessage = userMessage("Work on this.");

export const testAttempt: LoopAttempt = {
  jobId: "job_test",
  number: 1,
  prompt: {
    modelId: "claude-sonnet-5-5",
    system: "You are a test.",
    toolsJson: "[]",
    outputSchemaJson: null,
    baseCommit: null,
    baseBranch: null,
  },
  answer: null,
  earlierSteps: 0,
  price: modelTable.sonnet.price,
  maxTokens: 1_000,
  limits: { ...defaultCeilings, modelCallMaxMs: 10_000, stuck: { repeatedCalls: 3, idleCalls: 12 } },
};

export function execution(output: string, more: Partial<ToolExecution> = {}): ToolExecution {
  return { output, isError: false, policy: "allowed", workspace: [], artifacts: [], finished: null, ...more };
}

/** An attempt whose checkpoints are kept in memory, and which can be resumed from any of them. */
export class StoredAttempt {
  readonly checkpoints: CheckpointDraft[] = [];
  readonly #start: LoopState;

  constructor(
    start: LoopState = { messages: [firstMessage], stepCount: 0, costMicroUsd: 0, tokenCount: 0, lastUsage: null },
  ) {
    this.#start = start;
  }

  /** The state after the first so many checkpoints, as the next slice finds it. */
  stateAfter(checkpoints: number): LoopState {
    const kept = this.checkpoints.slice(0, checkpoints);
    return {
      messages: [...this.#start.messages, ...kept.flatMap((draft) => draft.appendedMessages)],
      stepCount: this.#start.stepCount + kept.reduce((sum, draft) => sum + draft.steps.length, 0),
      costMicroUsd: this.#start.costMicroUsd + this.steps.reduce((sum, step) => sum + step.costMicroUsd, 0),
      tokenCount:
        this.#start.tokenCount +
        kept
          .flatMap((draft) => draft.steps)
          .reduce((sum, { usage }) => sum + (usage === null ? 0 : promptTokensOf(usage) + usage.outputTokens), 0),
      lastUsage:
        kept.flatMap((draft) => draft.steps).findLast((step) => step.usage !== null)?.usage ?? this.#start.lastUsage,
    };
  }

  get state(): LoopState {
    return this.stateAfter(this.checkpoints.length);
  }

  get steps(): StepRecord[] {
    return this.checkpoints.flatMap((draft) => draft.steps);
  }
}

/** Money without end. */
export const freeMoney: CallMoney = {
  reserve: () => Promise.resolve({ kind: "reserved" }),
  release: () => Promise.resolve(),
  settle: () => Promise.resolve(),
};

export interface LoopOptions {
  readonly attempt?: Partial<LoopAttempt>;
  readonly store?: StoredAttempt;
  readonly ports?: Partial<LoopPorts>;
  readonly signal?: AbortSignal;
}

/** Runs the loop over a stored attempt with harmless defaults. */
export function runTestLoop(model: ModelPort, options: LoopOptions = {}): Promise<LoopStop> {
  const store = options.store ?? new StoredAttempt();
  let nowMs = 0;
  const ports: LoopPorts = {
    model,
    clock: { nowMs: () => (nowMs += 10) },
    runTool: (call) => Promise.resolve(execution(`${call.name} done`)),
    saveCheckpoint: (draft) => {
      store.checkpoints.push(draft);
      return Promise.resolve(true);
    },
    money: freeMoney,
    ranForMs: () => 0,
    onText: () => undefined,
    pendingStop: () => null,
    openQuestion: () => null,
    unheard: () => [],
    ...options.ports,
  };
  const signal = options.signal ?? new AbortController().signal;
  return runLoop({ ...testAttempt, ...options.attempt }, store.state, ports, signal);
}
