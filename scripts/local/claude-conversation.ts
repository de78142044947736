/** A request of the Messages API as the scripted model reads it. */
import { z } from "zod";

export interface Conversation {
  /** Id of the agent that speaks, from the system prompt; empty when it names none. */
  readonly agent: string;
  readonly system: string;
  /** The first user message: the issue and what belongs to it. */
  readonly firstMessage: string;
  /** How many answers the model has given already. */
  readonly assistantTurns: number;
  /** Texts of the tool results in the last message. */
  readonly toolResults: readonly string[];
  /** Texts of the first tool results of the conversation. */
  readonly firstToolResults: readonly string[];
}

const blockSchema = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool_result"), content: z.string() }),
  z.object({ type: z.string() }).transform(() => ({ type: "other" as const })),
]);

const requestSchema = z.object({
  model: z.string(),
  system: z.array(z.object({ text: z.string() })).default([]),
  tools: z.array(z.json()).default([]),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: z.array(blockSchema) })),
});

export interface ClaudeRequest {
  readonly model: string;
  readonly conversation: Conversation;
  /** Characters of tools and system prompt, and of each message: what the prompt cache works with. */
  readonly prefixCharacters: number;
  readonly messageCharacters: readonly number[];
}

const lengthsSchema = z.object({ messages: z.array(z.json()) });

/** Reads the body of a request as this project sends it. Throws when it is not one. */
export function readRequest(body: string): ClaudeRequest {
  const json: unknown = JSON.parse(body);
  const { model, system, tools, messages } = requestSchema.parse(json);
  const systemText = system.map(({ text }) => text).join("\n");
  const textsOf = (message: (typeof messages)[number] | undefined, type: "text" | "tool_result"): string[] =>
    (message?.content ?? []).flatMap((block) => {
      if (block.type === "text" && type === "text") return [block.text];
      return block.type === "tool_result" && type === "tool_result" ? [block.content] : [];
    });
  return {
    model,
    conversation: {
      agent: /^You are (?<id>[a-z]+\.[a-z-]+),/u.exec(systemText)?.groups?.["id"] ?? "",
      system: systemText,
      firstMessage: textsOf(messages[0], "text").join("\n"),
      assistantTurns: messages.filter((message) => message.role === "assistant").length,
      toolResults: textsOf(messages.at(-1), "tool_result"),
      firstToolResults: textsOf(
        messages.find((message) => textsOf(message, "tool_result").length > 0),
        "tool_result",
      ),
    },
    prefixCharacters: systemText.length + JSON.stringify(tools).length,
    messageCharacters: lengthsSchema.parse(json).messages.map((message) => JSON.stringify(message).length),
  };
}
