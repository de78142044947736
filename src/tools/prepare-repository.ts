/** Carries a commit from GitHub into its repository object, which never opens GitHub itself. */
import pMap from "p-map";
import type { GitHubPort } from "../contracts/ports.ts";
import { maxIngestBatchBytes, type RepositoryRpc } from "../contracts/repository-rpc.ts";
import type { Repository } from "../contracts/terms.ts";

const parallelFetches = 4;

interface SizedBlob {
  readonly blobId: string;
  readonly sizeBytes: number;
}

/** Groups blobs, in order, into batches of at most `maxBytes`; a larger blob gets a batch of its own. */
export function batchesOf(blobs: readonly SizedBlob[], maxBytes: number): string[][] {
  const batches: string[][] = [];
  let roomBytes = 0;
  for (const { blobId, sizeBytes } of blobs) {
    const batch = batches.at(-1);
    if (batch === undefined || sizeBytes > roomBytes) {
      batches.push([blobId]);
      roomBytes = maxBytes - sizeBytes;
    } else {
      batch.push(blobId);
      roomBytes -= sizeBytes;
    }
  }
  return batches;
}

/**
 * Makes the commit readable in the repository object, fetching only blobs that it does not hold yet. Repeating it, also
 * at the same time or after a crash, does no harm. Throws `GitHubError`, and the signal's reason when aborted.
 */
export async function prepareSnapshot(work: {
  readonly gitHub: GitHubPort;
  readonly repositoryRpc: RepositoryRpc;
  readonly repository: Repository;
  readonly commit: string;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { gitHub, repositoryRpc, repository, commit, signal } = work;
  if (await repositoryRpc.isSealed(commit)) return;
  const entries = await gitHub.tree(repository, commit);
  const missing = await repositoryRpc.missing(commit, entries);
  if (missing.sealed) return;

  const sizes = new Map(entries.map(({ blobId, sizeBytes }) => [blobId, sizeBytes]));
  const blobs = missing.blobIds.map((blobId) => ({ blobId, sizeBytes: sizes.get(blobId) ?? 0 }));
  for (const batch of batchesOf(blobs, maxIngestBatchBytes)) {
    signal?.throwIfAborted();
    const fetched = await pMap(batch, async (blobId) => ({ blobId, bytes: await gitHub.blob(repository, blobId) }), {
      concurrency: parallelFetches,
      ...(signal && { signal }),
    });
    await repositoryRpc.ingest(commit, fetched);
  }
  await repositoryRpc.seal(commit);
}
