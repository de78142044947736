/** A repository of many small files behind the GitHub port, all of one content. */
import type { GitHubPort } from "../../src/contracts/ports.ts";
import { gitBlobId } from "../../src/durable-objects/repository/git-blob.ts";

const page = new TextEncoder().encode("export const line = 'of a file that is as long as most';\n".repeat(18));
const files = 256;
const head = { branch: "main", commit: "c".repeat(40) };

/** The path that a turn reads. */
function pathOfTurn(turn: number): string {
  return `src/file-${turn % files}.ts`;
}

export const code: GitHubPort = {
  defaultBranchHead: () => Promise.resolve(head),
  tree: () =>
    Promise.resolve(
      Array.from({ length: files }, (_, turn) => ({
        path: pathOfTurn(turn),
        blobId: gitBlobId(page),
        sizeBytes: page.byteLength,
        mode: "100644",
      })),
    ),
  blob: () => Promise.resolve(page),
  openPullRequest: () => Promise.reject(new Error("nothing is approved here")),
};

export const commit = head.commit;
