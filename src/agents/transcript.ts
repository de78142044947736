/** The transcript of an attempt: stored JSON texts, what they say, and the messages that the loop itself adds. */
import { z } from "zod";
import type { MessageRecord } from "../contracts/conversation.ts";
import type { ModelToolCall } from "../contracts/ports.ts";
import { quoteText } from "./prompts/quoted-text.ts";

const blockSchema = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({ type: z.literal("tool_result"), tool_use_id: z.string(), is_error: z.boolean().default(false) }),
  z.object({ type: z.string() }).transform(() => ({ type: "other" as const })),
]);

const messageSchema = z.object({ role: z.enum(["user", "assistant"]), content: z.array(blockSchema) });

export type TranscriptMessage = z.output<typeof messageSchema>;

/** Parses a stored message. Throws when the text is not one: the loop stores no other. */
export function parseMessage(text: string): TranscriptMessage {
  return messageSchema.parse(JSON.parse(text));
}

/** The message's text blocks, joined. */
export function textOf(message: TranscriptMessage): string {
  return message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
}

/** The tool calls of a message, in order. */
export function toolCallsOf(message: TranscriptMessage): ModelToolCall[] {
  return message.content.flatMap((block) =>
    block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
  );
}

/** Whether the message answers this call without an error. */
export function answersCall(message: TranscriptMessage, callId: string): boolean {
  return message.content.some(
    (block) => block.type === "tool_result" && block.tool_use_id === callId && !block.is_error,
  );
}

/** Ids of the calls that the message answers with an error. */
export function toolErrorsOf(message: TranscriptMessage): ReadonlySet<string> {
  return new Set(
    message.content.flatMap((block) => (block.type === "tool_result" && block.is_error ? [block.tool_use_id] : [])),
  );
}

/** A user message of one text, as JSON text. */
export function userMessage(text: string): string {
  return JSON.stringify({ role: "user", content: [{ type: "text", text }] });
}

export interface ToolAnswer {
  readonly callId: string;
  readonly output: string;
  readonly isError: boolean;
}

/** The one user message that answers every tool call of a turn, as JSON text. */
export function toolResultsMessage(answers: readonly ToolAnswer[]): string {
  const content = answers.map(({ callId, output, isError }) => ({
    type: "tool_result",
    tool_use_id: callId,
    content: output,
    ...(isError && { is_error: true }),
  }));
  return JSON.stringify({ role: "user", content });
}

const maxMessageCharacters = 20_000;

/** What people said while the agent was at work, as JSON text. */
export function peopleMessage(messages: readonly Pick<MessageRecord, "author" | "text">[]): string {
  const said = messages.map(({ author, text }) =>
    quoteText("A person wrote", `${author}: ${text}`, maxMessageCharacters),
  );
  return userMessage(["The people of this issue have written to you. Take it into account.", ...said].join("\n\n"));
}

/** Sent once to an agent that ended its turn without calling `finish`. */
export const finishReminder = userMessage(
  "Your turn ended, but the job has not. If it is done, call finish with your summary; otherwise go on with the tools.",
);

/** Sent once to an agent whose answer could not be read. */
export const answerReminder = userMessage(
  "That answer could not be read. Answer again with the one JSON value of the form that was asked for, and nothing else.",
);

/** Sent after an answer that broke off in the middle of words. */
export const goOnMessage = userMessage("Your answer broke off at the length limit. Go on from where it stopped.");

/** Answers calls that broke off at the length limit; none of them was run. */
export function cutOffMessage(callIds: readonly string[]): string {
  const output = "Not run: your answer broke off at the length limit. Make the call again, with less in one answer.";
  return toolResultsMessage(callIds.map((callId) => ({ callId, output, isError: true })));
}

const wrapUpMessages = {
  steps: userMessage(wrapUpText("steps")),
  tokens: userMessage(wrapUpText("tokens")),
  time: userMessage(wrapUpText("running time")),
  money: userMessage(wrapUpText("money")),
} as const;
/** What a job may use, and runs short of. */
export type Scarcity = keyof typeof wrapUpMessages;

function wrapUpText(what: string): string {
  return (
    `This job has used most of the ${what} that it may use, and is stopped when nothing is left. Wrap up now: leave what is ` +
    "not needed, propose the changes that are ready, and end with what you have, saying what is missing."
  );
}

/** Told once, when little is left of what the job may use. */
export function wrapUpMessage(scarcity: Scarcity): string {
  return wrapUpMessages[scarcity];
}

const wrapUpTexts: ReadonlySet<string> = new Set(Object.values(wrapUpMessages));

export function isWrapUpMessage(messageText: string): boolean {
  return wrapUpTexts.has(messageText);
}

/** Told once to an agent that repeats itself. */
export const stuckMessage = userMessage(
  "You are repeating calls that have told you nothing new. Do something else: another tool, other words, another place. " +
    "If nothing is left to try, end with what you have. If you go on like this, the job is stopped.",
);

export function isStuckMessage(messageText: string): boolean {
  return messageText === stuckMessage;
}

/** Why an attempt ended with a model's turn that the next one could not build on. */
const closings = ["refused", "context_full", "empty_answer", "unknown_stop"] as const;
export type Closing = (typeof closings)[number];

/** Closes a transcript, so that a slice that resumes it sees what the model's stop reason was. It is never sent. */
export function closingMessage(closing: Closing): string {
  return userMessage(`The attempt ended here: ${closing}.`);
}

/** How this message closes its transcript; null when it does not. */
export function closingOf(messageText: string): Closing | null {
  return closings.find((closing) => closingMessage(closing) === messageText) ?? null;
}
