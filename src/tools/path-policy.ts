/** Which paths the file tools accept. */
import { refusedPathReason } from "../contracts/review-policy.ts";
import { PolicyRefusal, ToolError } from "./tool-error.ts";

const maxPathCharacters = 400;

/** Throws `ToolError` unless the path may be changed by an agent. */
export function requireChangeablePath(path: string): void {
  if (path.length > maxPathCharacters) throw new ToolError(`The path is longer than ${maxPathCharacters} characters.`);
  const reason = refusedPathReason(path);
  if (reason !== null) throw new PolicyRefusal(`${path} cannot be changed: ${reason}.`);
}

/** Every folder above a path: `a/b/c.ts` → `a`, `a/b`. */
export function foldersOf(path: string): string[] {
  const segments = path.split("/").slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}
