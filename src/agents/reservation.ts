/** What has to be set aside before a model call: an upper bound from what the provider reported and what was added. */
import { mostCallCostMicroUsd, promptTokensOf } from "../core/money.ts";
import type { LoopAttempt, LoopState } from "./attempt.ts";
import { parseMessage } from "./transcript.ts";

/** The provider adds a prompt of its own for tools and answer forms; the first reported usage holds it. */
const providerPreambleTokens = 1_000;

/** No tokenizer makes more tokens than there are bytes, and JSON's own bytes outweigh the marks between messages. */
function mostTokensIn(texts: readonly string[]): number {
  const encoder = new TextEncoder();
  return texts.reduce((sum, text) => sum + encoder.encode(text).byteLength, 0);
}

/**
 * The most tokens that the attempt's next prompt can have: what the last call reported, its answer, and a token for every
 * byte appended since. Words that the model thought without showing them count by the answer's reported tokens.
 */
function mostPromptTokens(
  { prompt }: Pick<LoopAttempt, "prompt">,
  { messages, lastUsage }: Pick<LoopState, "messages" | "lastUsage">,
): number {
  if (lastUsage === null) {
    const fixed = [prompt.system, prompt.toolsJson, prompt.outputSchemaJson ?? ""];
    return providerPreambleTokens + mostTokensIn([...fixed, ...messages]);
  }
  // An answer without content is not kept: then more is counted as appended than was.
  const answerAt = Math.max(
    messages.findLastIndex((message) => parseMessage(message).role === "assistant"),
    0,
  );
  const answer = Math.max(lastUsage.outputTokens, mostTokensIn(messages.slice(answerAt, answerAt + 1)));
  return promptTokensOf(lastUsage) + answer + mostTokensIn(messages.slice(answerAt + 1));
}

/** The most that the attempt's next call can cost, in micro-dollars. */
export function reservationMicroUsd(
  attempt: Pick<LoopAttempt, "prompt" | "price" | "maxTokens">,
  state: Pick<LoopState, "messages" | "lastUsage">,
): number {
  return mostCallCostMicroUsd(
    { promptTokens: mostPromptTokens(attempt, state), outputTokens: attempt.maxTokens },
    attempt.price,
  );
}
