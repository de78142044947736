/** Turns a stored request into the parameters of the Messages API, and a reply into what is stored. */
import type Anthropic from "@anthropic-ai/sdk";
import type { ModelReply, ModelRequest } from "../../contracts/ports.ts";
import type { TokenUsage } from "../../core/money.ts";

/** JSON that this service wrote itself, from values of exactly this type. Writing it again gives the same bytes. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type that the line above guarantees
function storedJson<Value>(text: string): Value {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above; the API checks the rest
  return JSON.parse(text) as Value;
}

const cacheForFiveMinutes: Anthropic.CacheControlEphemeral = { type: "ephemeral" };

/**
 * The parameters of a call. Two cache breakpoints: behind tools and system prompt, which all issues of an agent share, and
 * behind the last message, which the next call of the attempt begins with.
 */
export function messageParams(request: ModelRequest): Anthropic.MessageStreamParams {
  const tools = storedJson<Anthropic.Tool[]>(request.toolsJson);
  return {
    model: request.modelId,
    max_tokens: request.maxTokens,
    cache_control: cacheForFiveMinutes,
    system: [{ type: "text", text: request.system, cache_control: cacheForFiveMinutes }],
    ...(tools.length > 0 && { tools }),
    messages: request.messages.map((message) => storedJson<Anthropic.MessageParam>(message)),
    ...(request.outputSchemaJson !== null && {
      output_config: {
        format: { type: "json_schema", schema: storedJson<Record<string, unknown>>(request.outputSchemaJson) },
      },
    }),
  };
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
