/** What comes next in an attempt, read off its transcript alone: live and resumed slices decide the same way. */
import { z } from "zod";
import type { ModelReply, ModelToolCall } from "../contracts/ports.ts";
import { failedAttempt, failedForGood, type LoopStop } from "./stops.ts";
import {
  answerReminder,
  answersCall,
  closingMessage,
  closingOf,
  cutOffMessage,
  finishReminder,
  goOnMessage,
  parseMessage,
  textOf,
  toolCallsOf,
  type Closing,
  type TranscriptMessage,
} from "./transcript.ts";

export type NextAction =
  | { readonly kind: "call_model" }
  | { readonly kind: "run_tools"; readonly calls: readonly ModelToolCall[] }
  | { readonly kind: "stop"; readonly stop: LoopStop };

/** The tool that ends a job. */
const finishTool = "finish";
const finishInputSchema = z.object({ summary: z.string().trim() });

const closedStops: Readonly<Record<Closing, LoopStop>> = {
  refused: { kind: "refused" },
  context_full: failedAttempt("context_full", "The conversation no longer fits into the model's context."),
  empty_answer: failedAttempt("empty_answer", "The model ended its turn without a word."),
  unknown_stop: failedForGood("unknown_stop", "The model stopped for a reason that is not known here."),
};

/** The data in an answer's text; null when it is not of the form asked for. */
function readAnswer(text: string, schema: z.ZodType): { readonly value: unknown } | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? { value: parsed.data } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function stopAfterWords(text: string, answer: z.ZodType | null): LoopStop {
  if (answer === null) {
    return text === "" ? closedStops.empty_answer : { kind: "done", summary: text, answer: null };
  }
  const read = readAnswer(text, answer);
  if (read !== null) return { kind: "done", summary: text, answer: read.value };
  return failedAttempt("unreadable_answer", "The model's answer is not of the form that was asked for.");
}

function afterUserMessage(last: TranscriptMessage, before: TranscriptMessage | null): NextAction {
  const finished = before && toolCallsOf(before).find((call) => call.name === finishTool && answersCall(last, call.id));
  if (!finished) return { kind: "call_model" };
  const { summary } = finishInputSchema.parse(finished.input);
  return { kind: "stop", stop: { kind: "done", summary, answer: null } };
}

/** The next action of an attempt; `answer` is the form of its final answer, null for an agent that calls `finish`. */
export function nextAction(messages: readonly string[], answer: z.ZodType | null): NextAction {
  const lastText = messages.at(-1);
  if (lastText === undefined) throw new Error("an attempt has at least its first message");
  const closing = closingOf(lastText);
  if (closing !== null) return { kind: "stop", stop: closedStops[closing] };

  const last = parseMessage(lastText);
  if (last.role === "user") {
    const beforeText = messages.at(-2);
    return afterUserMessage(last, beforeText === undefined ? null : parseMessage(beforeText));
  }
  const calls = toolCallsOf(last);
  if (calls.length > 0) return { kind: "run_tools", calls };
  return { kind: "stop", stop: stopAfterWords(textOf(last), answer) };
}

export interface ReplyAppendix {
  /** What the transcript gets from this reply: the model's message, and a message of ours if one has to follow. */
  readonly messages: readonly string[];
  /** What was wrong with the reply, for the job's log. */
  readonly notice: "cut_off" | "reminded" | "asked_again" | Closing | null;
}

function closingFor(stopReason: string): Closing | null {
  if (stopReason === "refusal") return "refused";
  if (stopReason === "model_context_window_exceeded") return "context_full";
  return ["end_turn", "stop_sequence", "tool_use", "max_tokens", "pause_turn"].includes(stopReason)
    ? null
    : "unknown_stop";
}

function followUp(
  reply: ModelReply,
  message: TranscriptMessage,
  sent: readonly string[],
  answer: z.ZodType | null,
): { readonly message: string; readonly notice: ReplyAppendix["notice"] } | null {
  const closing = closingFor(reply.stopReason);
  if (closing !== null) return { message: closingMessage(closing), notice: closing };
  const calls = toolCallsOf(message);
  if (reply.stopReason === "max_tokens" || reply.stopReason === "pause_turn") {
    const goOn = calls.length > 0 ? cutOffMessage(calls.map((call) => call.id)) : goOnMessage;
    return { message: goOn, notice: "cut_off" };
  }
  if (calls.length > 0) return null;
  if (answer === null) {
    return sent.includes(finishReminder) ? null : { message: finishReminder, notice: "reminded" };
  }
  const mayAskAgain = !sent.includes(answerReminder) && readAnswer(textOf(message), answer) === null;
  return mayAskAgain ? { message: answerReminder, notice: "asked_again" } : null;
}

/**
 * What a reply adds to the transcript. A cut-off answer is followed by a message that lets the model go on, with every
 * call in it answered as not run; a turn that ended too early by one reminder; one that cannot go on by a closing.
 * A message without content is left out, because the API takes none.
 */
export function appendixOf(reply: ModelReply, sent: readonly string[], answer: z.ZodType | null): ReplyAppendix {
  const message = parseMessage(reply.message);
  const next = followUp(reply, message, sent, answer);
  if (message.content.length > 0) {
    return { messages: next === null ? [reply.message] : [reply.message, next.message], notice: next?.notice ?? null };
  }
  return next === null
    ? { messages: [closingMessage("empty_answer")], notice: "empty_answer" }
    : { messages: [next.message], notice: next.notice };
}
