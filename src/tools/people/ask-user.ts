import { z } from "zod";
import { questionLimits, type QuestionDraft } from "../../contracts/conversation.ts";
import type { ModelToolCall } from "../../contracts/ports.ts";
import { defineTool, type ToolContext } from "../define-tool.ts";

const text = (maxCharacters: number) => z.string().trim().min(1).max(maxCharacters);
const name = "ask_user";

const input = z
  .strictObject({
    question: text(questionLimits.questionCharacters).describe("One question, complete in itself"),
    choices: z
      .array(text(200))
      .min(2)
      .max(questionLimits.choices)
      .optional()
      .describe("The answers to choose from; left out, the answer is free text"),
    default: text(questionLimits.answerCharacters)
      .optional()
      .describe("What counts when nobody answers within days; one of the choices, if there are any"),
  })
  .refine(({ choices, default: fallback }) => !choices || fallback === undefined || choices.includes(fallback), {
    error: "the default is one of the choices",
    path: ["default"],
  })
  .refine(({ choices }) => !choices || new Set(choices.map((choice) => choice.toLowerCase())).size === choices.length, {
    error: "the choices differ from each other",
    path: ["choices"],
  });

export const askUser = defineTool({
  name,
  description:
    "Asks the people who submitted the issue, and waits, perhaps for days, until one of them has answered. Ask only what " +
    "you cannot find out with your other tools and what changes what you do, one question at a time; prefer choices, and " +
    "give a default wherever the work can go on without an answer.",
  access: "propose",
  input,
  output: z.object({ answer: z.string(), isDefault: z.boolean() }),
  run: ({ ctx }) => {
    if (ctx.answer === null) throw new Error("a question is answered before its call is run");
    return Promise.resolve({ output: ctx.answer });
  },
  render: ({ answer, isDefault }) => (isDefault ? `Nobody answered in time. Your default counts: ${answer}` : answer),
});

/**
 * The first question among a turn's calls that nobody has answered yet; null when all of them may be run. A call that is
 * not valid, or not the agent's to make, is no question: running it tells the model what is wrong.
 */
export function openQuestion(
  calls: readonly ModelToolCall[],
  ctx: Pick<ToolContext, "tools">,
  isAnswered: (callId: string) => boolean,
): QuestionDraft | null {
  if (!ctx.tools.includes(name)) return null;
  for (const call of calls) {
    const asked = call.name === name && !isAnswered(call.id) ? input.safeParse(call.input) : null;
    if (!asked?.success) continue;
    const { question, choices = [], default: defaultAnswer = null } = asked.data;
    return { callId: call.id, question, choices, defaultAnswer };
  }
  return null;
}
