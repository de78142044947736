/** What a stream is known to have used before its last word says so. */
import type Anthropic from "@anthropic-ai/sdk";
import type { TokenUsage } from "../../core/money.ts";
import { usageOf } from "./stored-request.ts";

function bytesOf(delta: Anthropic.RawContentBlockDelta): number {
  const encoder = new TextEncoder();
  switch (delta.type) {
    case "text_delta":
      return encoder.encode(delta.text).byteLength;
    case "thinking_delta":
      return encoder.encode(delta.thinking).byteLength;
    case "input_json_delta":
      return encoder.encode(delta.partial_json).byteLength;
    case "citations_delta":
    case "signature_delta":
  }
  return 0;
}

/**
 * Follows one stream and tells `onUsage` whenever more is known. The prompt's tokens come with the first event; the
 * answer's are reported at the end only, and until then every byte received counts as one.
 */
export function createUsageMeter(
  onUsage: (usage: TokenUsage) => void,
): (event: Anthropic.MessageStreamEvent, snapshot: Anthropic.Message) => void {
  let receivedBytes = 0;
  return (event, snapshot) => {
    const reported = usageOf(snapshot.usage);
    if (event.type === "content_block_delta") receivedBytes += bytesOf(event.delta);
    if (event.type === "message_delta") onUsage(reported);
    else if (event.type === "message_start" || event.type === "content_block_delta") {
      onUsage({ ...reported, outputTokens: Math.max(reported.outputTokens, receivedBytes) });
    }
  };
}
