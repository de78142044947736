import { z } from "zod";
import { escapeGlob } from "../../core/glob.ts";
import { defineTool, workspaceOf } from "../define-tool.ts";
import { ToolError } from "../tool-error.ts";

const maxEntries = 500;
/** Paths that the entries are taken from. */
const maxListedPaths = 50_000;

/** The direct entries of a folder, folders with a slash at their end; `null` is the root. */
function entriesOf(paths: readonly string[], folder: string | null): string[] {
  const prefix = folder === null ? "" : `${folder}/`;
  const names = paths.map((path) => {
    const [first = "", ...rest] = path.slice(prefix.length).split("/");
    return rest.length === 0 ? first : `${first}/`;
  });
  return [...new Set(names)].sort();
}

export const listFiles = defineTool({
  name: "list_files",
  description:
    "Lists a folder of the repository as it is in this job: its files, and its folders with a slash at their end. " +
    "Without a folder it lists the root. Use search_files to find files by name across folders.",
  access: "read",
  input: z.strictObject({
    folder: z
      .string()
      .min(1)
      .optional()
      .describe("Path of the folder from the root of the repository, such as src/app"),
  }),
  output: z.object({ folder: z.string().nullable(), entries: z.array(z.string()), truncated: z.boolean() }),
  run: async ({ ctx, input }) => {
    const folder = input.folder?.replace(/^(?:\.?\/)+|\/+$/gu, "") ?? "";
    const isRoot = folder === "" || folder === ".";
    const glob = isRoot ? null : `${escapeGlob(folder)}/**`;
    const { paths, total } = await workspaceOf(ctx).listFiles(glob, maxListedPaths);
    if (total === 0) throw new ToolError(`There is no folder ${folder}.`);
    const entries = entriesOf(paths, isRoot ? null : folder);
    return {
      output: {
        folder: isRoot ? null : folder,
        entries: entries.slice(0, maxEntries),
        truncated: entries.length > maxEntries,
      },
    };
  },
  render: ({ folder, entries, truncated }) =>
    [
      `${folder ?? "The root of the repository"}:`,
      ...entries,
      ...(truncated ? [`Only the first ${maxEntries} entries are shown.`] : []),
    ].join("\n"),
});
