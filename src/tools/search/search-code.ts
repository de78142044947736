import { z } from "zod";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { globSchema, requireGlob } from "../glob-input.ts";

const maxMatches = 100;

export const searchCode = defineTool({
  name: "search_code",
  description:
    "Finds the lines of the repository that hold a text, as they are in this job. The text is plain, not a regular " +
    "expression, and lies within one line. A glob narrows the search to some files.",
  access: "read",
  input: z.strictObject({
    text: z
      .string()
      .min(2)
      .max(200)
      .refine((text) => !/[\r\n]/u.test(text), "must lie within one line")
      .describe("Plain text to look for, such as a name or a message"),
    ignoreCase: z.boolean().optional().describe("Whether upper and lower case are the same; false unless given"),
    glob: globSchema.optional(),
  }),
  output: z.object({
    matches: z.array(z.object({ path: z.string(), line: z.int(), text: z.string() })),
    truncated: z.boolean(),
  }),
  run: async ({ ctx, input }) => ({
    output: await workspaceOf(ctx).searchCode({
      text: input.text,
      ignoreCase: input.ignoreCase ?? false,
      glob: requireGlob(input.glob),
      limit: maxMatches,
    }),
  }),
  render: ({ matches, truncated }) => {
    if (matches.length === 0) return "No line matches.";
    const lines = matches.map(({ path, line, text }) => `${path}:${line}: ${text}`);
    return [...lines, ...(truncated ? [`Only the first ${maxMatches} lines are shown.`] : [])].join("\n");
  },
});
