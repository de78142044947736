/** The glob that the file and search tools take. */
import { z } from "zod";
import { GlobError, globMatcher } from "../core/glob.ts";
import { ToolError } from "./tool-error.ts";

export const globSchema = z
  .string()
  .min(1)
  .describe("Glob over whole paths: * within a folder, ** across folders, {a,b} for either, such as src/**/*.{ts,tsx}");

/** Throws `ToolError` when the glob cannot be used, before it reaches the repository. */
export function requireGlob(glob: string | undefined): string | null {
  if (glob === undefined) return null;
  try {
    globMatcher(glob);
  } catch (error) {
    if (error instanceof GlobError) throw new ToolError(`${error.message}.`);
    throw error;
  }
  return glob;
}
