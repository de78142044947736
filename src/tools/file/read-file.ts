import { z } from "zod";
import { redactText } from "../../core/redaction/redact.ts";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { ToolError } from "../tool-error.ts";

const defaultLineCount = 400;
/** Leaves room for the line numbers within one tool output. */
const maxCharacters = 24_000;
const maxLineCharacters = 2_000;

/** A line as it is shown: without the carriage return of its end, and not longer than a person would read. */
function shownLine(line: string): string {
  const text = line.replace(/\r$/u, "");
  return text.length <= maxLineCharacters ? text : `${text.slice(0, maxLineCharacters).toWellFormed()} [line cut]`;
}

export const readFile = defineTool({
  name: "read_file",
  description:
    "Reads a text file of the repository as it is in this job, with your own changes. Each line comes with its number " +
    "and a tab, which are not part of the file. Long files are read in parts: pass firstLine and lineCount.",
  access: "read",
  input: z.strictObject({
    path: z.string().min(1).describe("Path from the root of the repository, such as src/index.ts"),
    firstLine: z.int().min(1).optional().describe("First line to read, counted from 1"),
    lineCount: z
      .int()
      .min(1)
      .max(2_000)
      .optional()
      .describe(`How many lines to read; ${defaultLineCount} unless given`),
  }),
  output: z.object({
    path: z.string(),
    firstLine: z.int(),
    lines: z.array(z.string()),
    totalLines: z.int(),
  }),
  run: async ({ ctx, input }) => {
    // Before it is cut into lines: some secrets are longer than one.
    const all = redactText(await workspaceOf(ctx).readFile(input.path)).split("\n");
    if (all.at(-1) === "") all.pop();
    const firstLine = input.firstLine ?? 1;
    if (firstLine > Math.max(all.length, 1)) throw new ToolError(`${input.path} has only ${all.length} lines.`);
    const wanted = all.slice(firstLine - 1, firstLine - 1 + (input.lineCount ?? defaultLineCount)).map(shownLine);
    let room = maxCharacters;
    const lines = wanted.filter((line) => (room -= line.length + 1) >= 0);
    return { output: { path: input.path, firstLine, lines, totalLines: all.length } };
  },
  render: ({ path, firstLine, lines, totalLines }) => {
    if (totalLines === 0) return `${path} is empty.`;
    const lastLine = firstLine + lines.length - 1;
    const body = lines.map((line, index) => `${firstLine + index}\t${line}`).join("\n");
    return `${path}, lines ${firstLine} to ${lastLine} of ${totalLines}\n${body}`;
  },
});
