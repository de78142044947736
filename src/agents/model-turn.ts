/** One model call of the loop: request, deadline, and the step that records it. */
import { callCostMicroUsd, type TokenUsage } from "../core/money.ts";
import type { AttemptPrompt, LogDraft, ReserveAnswer } from "../contracts/organization-rpc.ts";
import { ModelCallError, type ModelReply } from "../contracts/ports.ts";
import type { StepRecord } from "../contracts/records.ts";
import { boundedText } from "./bounded-text.ts";
import type { CheckpointDraft, LoopAttempt, LoopPorts, LoopState, Turn } from "./attempt.ts";
import { appendixOf, type ReplyAppendix } from "./next-action.ts";
import { reservationMicroUsd } from "./reservation.ts";
import { jobBudgetSpent, type LoopLimits, type LoopStop } from "./stops.ts";
import { parseMessage, textOf } from "./transcript.ts";

/** What the model was asked last, for people who read the step. */
function lastQuestion(messages: readonly string[]): string {
  const last = parseMessage(messages.at(-1) ?? "");
  const results = last.content.filter((block) => block.type === "tool_result").length;
  return results === 0 ? textOf(last) : `(the results of ${results} tool calls)`;
}

/** Size of what is sent. */
function charactersOf({ system, toolsJson, outputSchemaJson }: AttemptPrompt, messages: readonly string[]): number {
  const fixed = system.length + toolsJson.length + (outputSchemaJson?.length ?? 0);
  return messages.reduce((sum, message) => sum + message.length, fixed);
}

function stepOf(
  reply: ModelReply,
  attempt: LoopAttempt,
  state: LoopState,
  call: { startedAtMs: number; durationMs: number; reservedMicroUsd: number },
): StepRecord {
  return {
    jobId: attempt.jobId,
    attempt: attempt.number,
    number: state.stepCount + 1,
    kind: "model",
    name: attempt.prompt.modelId,
    input: boundedText(lastQuestion(state.messages)),
    inputCharacters: charactersOf(attempt.prompt, state.messages),
    output: boundedText(reply.text),
    isError: false,
    policy: null,
    ...call,
    usage: reply.usage,
    costMicroUsd: callCostMicroUsd(reply.usage, attempt.price),
    stopReason: reply.stopReason,
  };
}

const notices: Readonly<Record<NonNullable<ReplyAppendix["notice"]>, string>> = {
  cut_off: "The model's answer broke off at its length limit; it was asked to go on",
  reminded: "The agent ended its turn without finishing; it was reminded once",
  asked_again: "The answer was not of the form asked for; the model was asked once again",
  refused: "The model refused to go on",
  context_full: "The conversation no longer fits into the model's context",
  empty_answer: "The model ended its turn without a word",
  unknown_stop: "The model stopped for a reason that is not known here",
};

function logsOf(reply: ModelReply, step: StepRecord, notice: ReplyAppendix["notice"]): LogDraft[] {
  const wanted = reply.toolCalls.map((call) => call.name).join(", ");
  const logs: LogDraft[] = [
    {
      level: "INFO",
      message: wanted === "" ? `${step.name} answered` : `${step.name} asked for ${wanted}`,
      data: { step: step.number, stopReason: reply.stopReason, costMicroUsd: step.costMicroUsd, ...reply.usage },
    },
  ];
  if (notice !== null) logs.push({ level: "WARN", message: notices[notice], data: { notice, step: step.number } });
  return logs;
}

/** The stop that a call ends with when its budget has no room for it; null when it may be made. */
async function stopBeforeCall(
  { limits }: LoopAttempt,
  costMicroUsd: number,
  reserve: (amountMicroUsd: number) => Promise<ReserveAnswer>,
  amountMicroUsd: number,
): Promise<LoopStop | null> {
  if (costMicroUsd + amountMicroUsd > limits.costMicroUsd) return jobBudgetSpent(limits);
  const answer = await reserve(amountMicroUsd);
  if (answer.kind === "reserved") return null;
  if (answer.kind === "stale") return { kind: "stale" };
  return answer.by === "job" ? jobBudgetSpent(limits) : { kind: "budget", by: answer.by };
}

/** How a call that gave no answer ends, besides an abort of the whole slice. */
function stopAfterFault(error: unknown, deadline: AbortSignal, limits: LoopLimits): LoopStop {
  if (error === deadline.reason) {
    const message = `The model did not answer within ${limits.modelCallMaxMs} ms.`;
    return {
      kind: "failed",
      failureClass: "transient",
      reason: "call_timeout",
      message,
      retryAfterMs: null,
      isModelFault: true,
    };
  }
  if (!(error instanceof ModelCallError)) throw error;
  const { failureClass, reason, message, retryAfterMs } = error;
  const failure = { kind: "failed", failureClass, reason, message, retryAfterMs } as const;
  return failureClass === "transient" ? { ...failure, isModelFault: true } : failure;
}

function draftOf(reply: ModelReply, step: StepRecord, attempt: LoopAttempt, state: LoopState): CheckpointDraft {
  const appendix = appendixOf(reply, state.messages, attempt.answer);
  return {
    attempt: attempt.number,
    steps: [step],
    appendedMessages: appendix.messages,
    workspace: [],
    artifacts: [],
    logs: logsOf(reply, step, appendix.notice),
    heardMessageIds: [],
  };
}

/**
 * Calls the model with the stored bytes, once the most that it can cost is set aside. A call without an answer is settled
 * with what was seen of it, and given back only when it never reached the model. One that takes too long is transient.
 */
export async function callModel(
  attempt: LoopAttempt,
  state: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<Turn> {
  const { prompt, limits, maxTokens } = attempt;
  const { money } = ports;
  const stepNumber = state.stepCount + 1;
  const reserve = (amountMicroUsd: number): Promise<ReserveAnswer> => money.reserve(stepNumber, amountMicroUsd);
  const reservedMicroUsd = reservationMicroUsd(attempt, state);
  const stop = await stopBeforeCall(attempt, state.costMicroUsd, reserve, reservedMicroUsd);
  if (stop !== null) return { kind: "stop", stop };
  if (signal.aborted) {
    await money.release(stepNumber);
    throw signal.reason;
  }

  const deadline = AbortSignal.timeout(limits.modelCallMaxMs);
  const startedAtMs = ports.clock.nowMs();
  let seen: TokenUsage | null = null;
  try {
    const { modelId, system, toolsJson, outputSchemaJson } = prompt;
    const reply = await ports.model.call(
      { modelId, system, toolsJson, messages: state.messages, maxTokens, outputSchemaJson },
      {
        signal: AbortSignal.any([signal, deadline]),
        onText: ports.onText,
        onUsage: (usage) => {
          seen = usage;
        },
      },
    );
    const step = stepOf(reply, attempt, state, {
      startedAtMs,
      durationMs: ports.clock.nowMs() - startedAtMs,
      reservedMicroUsd,
    });
    return { kind: "save", draft: draftOf(reply, step, attempt, state) };
  } catch (error) {
    if (error instanceof ModelCallError && !error.reached) await money.release(stepNumber);
    else await money.settle(stepNumber, seen);
    if (signal.aborted) throw signal.reason;
    return { kind: "stop", stop: stopAfterFault(error, deadline, limits) };
  }
}
