import { z } from "zod";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { globSchema, requireGlob } from "../glob-input.ts";

const maxPaths = 200;

export const searchFiles = defineTool({
  name: "search_files",
  description:
    "Finds files of the repository by path, as they are in this job. The glob must match the whole path: use **/ in front " +
    "to search in every folder, such as **/*.config.ts. Square and round brackets stand for themselves.",
  access: "read",
  input: z.strictObject({ glob: globSchema }),
  output: z.object({ paths: z.array(z.string()), total: z.int() }),
  run: async ({ ctx, input }) => ({
    output: await workspaceOf(ctx).listFiles(requireGlob(input.glob), maxPaths),
  }),
  render: ({ paths, total }) => {
    if (total === 0) return "No file matches.";
    const note = total > paths.length ? [`${total - paths.length} more; use a narrower glob.`] : [];
    return [...paths, ...note].join("\n");
  },
});
