import { z } from "zod";
import type { FileMatch } from "../../contracts/repository-rpc.ts";
import { redactText } from "../../core/redaction/redact.ts";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { globSchema, requireGlob } from "../glob-input.ts";
import type { Workspace } from "../workspace.ts";

const maxMatches = 100;

/** A line that may belong to a secret of several lines, which cannot be told from the line alone. */
const maybeKeyLine = /^\s*[A-Za-z0-9+/=]{16,}\s*$/u;

/** A match as the whole file shows it without its secrets. */
async function shownMatch(workspace: Workspace, match: FileMatch): Promise<FileMatch> {
  if (!maybeKeyLine.test(match.text)) return match;
  const lines = redactText(await workspace.readFile(match.path)).split("\n");
  return { ...match, text: lines[match.line - 1] ?? "" };
}

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
  run: async ({ ctx, input }) => {
    const workspace = workspaceOf(ctx);
    const { matches, truncated } = await workspace.searchCode({
      text: input.text,
      ignoreCase: input.ignoreCase ?? false,
      glob: requireGlob(input.glob),
      limit: maxMatches,
    });
    return { output: { matches: await Promise.all(matches.map((match) => shownMatch(workspace, match))), truncated } };
  },
  render: ({ matches, truncated }) => {
    if (matches.length === 0) return "No line matches.";
    const lines = matches.map(({ path, line, text }) => `${path}:${line}: ${text}`);
    return [...lines, ...(truncated ? [`Only the first ${maxMatches} lines are shown.`] : [])].join("\n");
  },
});
