import { createHash } from "node:crypto";
import type { WorkspaceChange } from "../../contracts/records.ts";

/** SHA-256 (hex) over what a person approves: the patch and every file, the files in code unit order of their paths. */
export function contentHashOf(change: {
  readonly content: string;
  readonly diffPatch: string | null;
  readonly files: readonly WorkspaceChange[];
}): string {
  const files = change.files
    .map(({ path, content }) => [path, content] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return createHash("sha256")
    .update(JSON.stringify([change.content, change.diffPatch, files]))
    .digest("hex");
}
