/** What an agent says in a stored message of its transcript. */
import { z } from "zod";

const textSchema = z.object({ type: z.literal("text"), text: z.string() }).transform(({ text }) => text);
const otherSchema = z.unknown().transform(() => "");
const wordsSchema = z.object({ role: z.literal("assistant"), content: z.array(textSchema.or(otherSchema)) });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The text blocks of an assistant's message, joined; empty for anything else, so that no job's end depends on it. */
export function wordsOf(messageText: string): string {
  const message = wordsSchema.safeParse(jsonOf(messageText));
  return message.success ? message.data.content.join("") : "";
}
