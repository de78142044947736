/** The model port on Anthropic's SDK: one streamed call, retried by nobody but the durable layer. */
import Anthropic from "@anthropic-ai/sdk";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { ModelPort } from "../../contracts/ports.ts";
import { AnswerTooLarge, boundedFetch } from "./bounded-fetch.ts";
import { toModelCallError } from "./call-errors.ts";
import { replyOf, requestBody, streamParams } from "./stored-request.ts";
import { createUsageMeter } from "./usage-meter.ts";

export interface AnthropicSettings {
  readonly apiKey: string;
  /** Another endpoint that speaks the Messages API; Anthropic's own when absent. */
  readonly baseUrl?: string | undefined;
  readonly clock: Clock;
}

/** What a whole message has; a proxy's page or a stream that broke off in the wrong place has not. */
const wholeMessageSchema = z.object({
  content: z.array(z.object({ type: z.string() })),
  stop_reason: z.string(),
  usage: z.object({ input_tokens: z.int().min(0), output_tokens: z.int().min(0) }),
});

/** Each token comes in an event of its own at worst, and an event has some hundred bytes besides. */
const maxBytesPerToken = 512;
const maxAnswerBytesBesides = 512_000;
/** A message is stored as one row. */
const maxMessageCharacters = 500_000;

class IncompleteMessage extends Error {
  override readonly name = "IncompleteMessage";
}

function isWhole(message: Anthropic.Message): message is Anthropic.Message & { stop_reason: Anthropic.StopReason } {
  return wholeMessageSchema.safeParse(message).success;
}

/** A `ModelPort` for these settings. It keeps no state between calls. */
export function createAnthropicModel({ apiKey, baseUrl, clock }: AnthropicSettings): ModelPort {
  return {
    call: async (request, { signal, onText, onUsage }) => {
      const maxAnswerBytes = maxAnswerBytesBesides + request.maxTokens * maxBytesPerToken;
      const client = new Anthropic({
        apiKey,
        baseURL: baseUrl ?? null,
        maxRetries: 0,
        logLevel: "off",
        fetch: boundedFetch({ body: requestBody(request), maxAnswerBytes }),
      });
      try {
        const stream = client.messages.stream(streamParams(request), { signal });
        stream.on("text", onText);
        stream.on("streamEvent", createUsageMeter(onUsage));
        const message = await stream.finalMessage();
        if (!isWhole(message)) throw new IncompleteMessage("the stream ended before the message was whole");
        const reply = replyOf(message);
        if (reply.message.length > maxMessageCharacters) throw new AnswerTooLarge("a message too long to be kept");
        return reply;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw toModelCallError(error, clock.nowMs());
      }
    },
  };
}
