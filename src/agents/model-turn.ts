/** One model call of the loop: request, deadline, and the step that records it. */
import { callCostMicroUsd, type TokenUsage } from "../core/money.ts";
import type { LogDraft } from "../contracts/organization-rpc.ts";
import { ModelCallError, type ModelReply } from "../contracts/ports.ts";
import type { StepRecord } from "../contracts/records.ts";
import { boundedText } from "./bounded-text.ts";
import type { LoopAttempt, LoopPorts, LoopState, Turn } from "./attempt.ts";
import { appendixOf, type ReplyAppendix } from "./next-action.ts";
import { parseMessage, textOf } from "./transcript.ts";

/** What the model was asked last, for people who read the step. */
function lastQuestion(messages: readonly string[]): string {
  const last = parseMessage(messages.at(-1) ?? "");
  const results = last.content.filter((block) => block.type === "tool_result").length;
  return results === 0 ? textOf(last) : `(the results of ${results} tool calls)`;
}

function stepOf(
  reply: ModelReply,
  attempt: LoopAttempt,
  state: LoopState,
  time: { startedAtMs: number; durationMs: number },
): StepRecord {
  return {
    jobId: attempt.jobId,
    attempt: attempt.number,
    number: state.stepCount + 1,
    kind: "model",
    name: attempt.prompt.modelId,
    input: boundedText(lastQuestion(state.messages)),
    output: boundedText(reply.text),
    isError: false,
    ...time,
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

/** Calls the model with the stored bytes. A call that takes too long ends as a transient failure. */
export async function callModel(
  attempt: LoopAttempt,
  state: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<Turn> {
  const { prompt, limits } = attempt;
  const deadline = AbortSignal.timeout(limits.modelCallMaxMs);
  const startedAtMs = ports.clock.nowMs();
  let observed: TokenUsage | null = null;
  const onUsage = (usage: TokenUsage): void => {
    observed = usage;
  };
  try {
    const reply = await ports.model.call(
      {
        modelId: prompt.modelId,
        system: prompt.system,
        toolsJson: prompt.toolsJson,
        messages: state.messages,
        maxTokens: attempt.maxTokens,
        outputSchemaJson: prompt.outputSchemaJson,
      },
      { signal: AbortSignal.any([signal, deadline]), onText: ports.onText, onUsage },
    );
    const step = stepOf(reply, attempt, state, { startedAtMs, durationMs: ports.clock.nowMs() - startedAtMs });
    const appendix = appendixOf(reply, state.messages, attempt.answer);
    return {
      kind: "save",
      draft: {
        attempt: attempt.number,
        steps: [step],
        appendedMessages: appendix.messages,
        workspace: [],
        artifacts: [],
        logs: logsOf(reply, step, appendix.notice),
      },
    };
  } catch (error) {
    if (signal.aborted) {
      await ports.settleCall(state.stepCount + 1, observed);
      throw signal.reason;
    }
    if (error === deadline.reason) {
      const message = `The model did not answer within ${limits.modelCallMaxMs} ms.`;
      return {
        kind: "stop",
        stop: { kind: "failed", failureClass: "transient", reason: "call_timeout", message, retryAfterMs: null },
      };
    }
    if (!(error instanceof ModelCallError)) throw error;
    const { failureClass, reason, message, retryAfterMs } = error;
    return { kind: "stop", stop: { kind: "failed", failureClass, reason, message, retryAfterMs } };
  }
}
