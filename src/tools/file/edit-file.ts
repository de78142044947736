import { z } from "zod";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { ToolError } from "../tool-error.ts";

/** How often `part` occurs in `text`, overlapping ones included; counting stops at two. */
function occurrences(text: string, part: string): 0 | 1 | 2 {
  const first = text.indexOf(part);
  if (first < 0) return 0;
  return text.indexOf(part, first + 1) < 0 ? 1 : 2;
}

/** The part with the line ends of the file: read_file shows none of them, so a copied passage has plain ones. */
function withLineEndsOf(text: string, part: string): string {
  return text.includes("\r\n") && !part.includes("\r") ? part.replaceAll("\n", "\r\n") : part;
}

export const editFile = defineTool({
  name: "edit_file",
  description:
    "Replaces one passage of a text file within this job. oldText must be copied from the file exactly, without line " +
    "numbers, with its spaces and line breaks, and must occur in it only once: add lines around it until it does.",
  access: "propose",
  input: z.strictObject({
    path: z.string().min(1).describe("Path from the root of the repository"),
    oldText: z.string().min(1).describe("The passage as it stands in the file now"),
    newText: z.string().describe("What takes its place; empty to remove the passage"),
  }),
  output: z.object({ path: z.string(), line: z.int() }),
  run: async ({ ctx, input }) => {
    const workspace = workspaceOf(ctx);
    if (input.oldText === input.newText) throw new ToolError("oldText and newText are the same.");
    const text = await workspace.readFile(input.path);
    const oldText = withLineEndsOf(text, input.oldText);
    const newText = withLineEndsOf(text, input.newText);
    const found = occurrences(text, oldText);
    if (found === 0) throw new ToolError(`oldText does not occur in ${input.path}. Read the file and copy it exactly.`);
    if (found === 2) throw new ToolError(`oldText occurs more than once in ${input.path}. Add lines around it.`);
    const at = text.indexOf(oldText);
    await workspace.writeFile(input.path, text.slice(0, at) + newText + text.slice(at + oldText.length));
    return { output: { path: input.path, line: text.slice(0, at).split("\n").length } };
  },
  render: ({ path, line }) => `${path} was changed at line ${line}.`,
});
