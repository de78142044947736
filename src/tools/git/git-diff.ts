import { z } from "zod";
import { defineTool, workspaceOf } from "../define-tool.ts";

export const gitDiff = defineTool({
  name: "git_diff",
  description:
    "Shows everything that this job has changed so far, against the commit that it began with, as a unified diff. " +
    "Read it before you propose a change, to make sure that it holds what you mean and nothing else.",
  access: "read",
  input: z.strictObject({}),
  output: z.object({ files: z.int(), patch: z.string() }),
  run: async ({ ctx }) => {
    const { diffs } = await workspaceOf(ctx).diff();
    return { output: { files: diffs.length, patch: diffs.map(({ patch }) => patch).join("") } };
  },
  render: ({ files, patch }) => (files === 0 ? "Nothing has been changed." : patch),
});
