/** The closed list of tools. */
import { z } from "zod";
import type { Tool } from "./define-tool.ts";
import { editFile } from "./file/edit-file.ts";
import { listFiles } from "./file/list-files.ts";
import { readFile } from "./file/read-file.ts";
import { writeFile } from "./file/write-file.ts";
import { gitDiff } from "./git/git-diff.ts";
import { gitPropose } from "./git/git-propose.ts";
import { askUser } from "./people/ask-user.ts";
import { finish } from "./people/finish.ts";
import { searchCode } from "./search/search-code.ts";
import { searchFiles } from "./search/search-files.ts";

export const tools = {
  ask_user: askUser,
  edit_file: editFile,
  finish,
  git_diff: gitDiff,
  git_propose: gitPropose,
  list_files: listFiles,
  read_file: readFile,
  search_code: searchCode,
  search_files: searchFiles,
  write_file: writeFile,
} as const satisfies { readonly [Name in string]: Tool<Name> };

export type ToolName = keyof typeof tools;

const byName: ReadonlyMap<string, Tool> = new Map(Object.entries(tools));

/** The tool of this name; null when there is none. */
export function findTool(name: string): Tool | null {
  return byName.get(name) ?? null;
}

/** JSON Schema of a tool's input as the Messages API takes it. */
export function inputJsonSchema(tool: Tool): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.input, { io: "input" });
  return schema;
}

/** JSON text of the tool definitions in the Messages API: the same names give the same bytes, in any order. */
export function toolDefinitionsJson(names: readonly ToolName[]): string {
  const definitions = [...new Set(names)].sort().map((name) => {
    const tool = tools[name];
    return { name: tool.name, description: tool.description, input_schema: inputJsonSchema(tool) };
  });
  return JSON.stringify(definitions);
}
