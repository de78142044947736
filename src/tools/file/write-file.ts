import { z } from "zod";
import { defineTool, workspaceOf } from "../define-tool.ts";

export const writeFile = defineTool({
  name: "write_file",
  description:
    "Writes a whole text file of the repository within this job: creates it, replaces it, or deletes it when content is " +
    "null. Prefer edit_file for a change of an existing file. Nothing leaves the job before a person approved it.",
  access: "propose",
  input: z.strictObject({
    path: z.string().min(1).describe("Path from the root of the repository"),
    content: z.string().nullable().describe("The whole new text; null deletes the file"),
  }),
  output: z.object({ path: z.string(), change: z.enum(["created", "replaced", "deleted"]) }),
  run: async ({ ctx, input }) => {
    const { change } = await workspaceOf(ctx).writeFile(input.path, input.content);
    return { output: { path: input.path, change } };
  },
  render: ({ path, change }) => `${path} was ${change}.`,
});
