/** Literal search over the files of one commit, file by file. */
import type { FileMatch } from "../../contracts/repository-rpc.ts";
import { searchLines } from "../../core/line-search.ts";
import type { StoredFile } from "./tree-store.ts";

export interface LiteralSearch {
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly limit: number;
}

/** Matches in the order of the files, and whether there are more; binary files hold none. */
export function searchFiles(
  files: readonly StoredFile[],
  search: LiteralSearch,
  textOfBlob: (blobId: string) => string | null,
): { matches: FileMatch[]; truncated: boolean } {
  const matches: FileMatch[] = [];
  for (const { path, blobId, hasContent } of files) {
    const text = hasContent ? textOfBlob(blobId) : null;
    if (text === null) continue;
    const wanted = search.limit + 1 - matches.length;
    for (const { line, text: excerpt } of searchLines(text, search.text, search.ignoreCase, wanted)) {
      matches.push({ path, line, text: excerpt });
    }
    if (matches.length > search.limit) return { matches: matches.slice(0, search.limit), truncated: true };
  }
  return { matches, truncated: false };
}
