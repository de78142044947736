/** Turns a stored request into the parameters of the Messages API, and a reply into what is stored. */
import type Anthropic from "@anthropic-ai/sdk";
import type { ModelReply, ModelRequest } from "../../contracts/ports.ts";
import type { TokenUsage } from "../../core/money.ts";

const cacheForFiveMinutes: Anthropic.CacheControlEphemeral = { type: "ephemeral" };

/**
 * The parameters of a call, but for those that are stored as bytes. Two cache breakpoints: behind tools and system prompt,
 * which all issues of an agent share, and (the automatic one) behind the last message, which the next call begins with.
 */
function messageParams(request: ModelRequest) {
  return {
    model: request.modelId,
    max_tokens: request.maxTokens,
    stream: true,
    cache_control: cacheForFiveMinutes,
    system: [{ type: "text", text: request.system, cache_control: cacheForFiveMinutes }],
  } as const satisfies Omit<Anthropic.MessageStreamParams, "messages"> & { stream: true };
}

/**
 * The body of a call: tools, form of the answer and messages stand in it byte for byte as they were stored, the messages
 * last. So a call's body begins with all of the one before it but for the closing brackets.
 */
export function requestBody(request: ModelRequest): string {
  const params = JSON.stringify(messageParams(request)).slice(0, -1);
  const tools = request.toolsJson === "[]" ? "" : `,"tools":${request.toolsJson}`;
  const { outputSchemaJson } = request;
  const format =
    outputSchemaJson === null ? "" : `,"output_config":{"format":{"type":"json_schema","schema":${outputSchemaJson}}}`;
  return `${params}${tools}${format},"messages":[${request.messages.join(",")}]}`;
}

/** What the SDK is told of a call whose body is `requestBody`: it looks at the model and the size, and sends none of it. */
export function streamParams({ modelId, maxTokens }: ModelRequest): Anthropic.MessageStreamParams {
  return { model: modelId, max_tokens: maxTokens, messages: [] };
}

/** Blocks that broke off before they were complete, which the API would refuse: empty text, thinking without signature. */
function isComplete(block: Anthropic.ContentBlock): boolean {
  if (block.type === "text") return block.text !== "";
  return block.type !== "thinking" || block.signature !== "";
}

/** The four token classes of a reported usage. */
export function usageOf(usage: Anthropic.Usage): TokenUsage {
  return {
    inputTokens: usage.input_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    outputTokens: usage.output_tokens,
  };
}

/** What is kept of a message. Blocks are picked by type, never by place, and thinking stays as it came. */
export function replyOf(message: Anthropic.Message & { readonly stop_reason: string }): ModelReply {
  const content = message.content.filter(isComplete);
  return {
    message: JSON.stringify({ role: "assistant", content }),
    text: content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join(""),
    toolCalls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
    ),
    stopReason: message.stop_reason,
    usage: usageOf(message.usage),
  };
}
