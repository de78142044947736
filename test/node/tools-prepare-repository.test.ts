import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import type { GitHubPort } from "../../src/contracts/ports.ts";
import type { IngestedBlob, RepositoryRpc, TreeEntry } from "../../src/contracts/repository-rpc.ts";
import { batchesOf, prepareSnapshot } from "../../src/tools/prepare-repository.ts";

const repository = { owner: "spokestack-demo", name: "erp" };
const commit = "c".repeat(40);
const megabyte = 1_000_000;

function entriesOf(count: number, sizeBytes: number): TreeEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `src/${index}.ts`,
    blobId: String(index).padStart(40, "0"),
    sizeBytes,
    mode: "100644",
  }));
}

/** GitHub and the repository object in memory, with a record of what was asked of them. */
function fakes(entries: readonly TreeEntry[], options: { readonly failAtBlob?: string } = {}) {
  const stored = new Set<string>();
  const record = { sealed: false, fetched: [] as string[], batches: [] as number[], mostAtOnce: 0 };
  let atOnce = 0;
  const unused = () => Promise.reject(new Error("not part of this test"));
  const gitHub: GitHubPort = {
    defaultBranchHead: unused,
    openPullRequest: unused,
    tree: () => Promise.resolve(entries),
    blob: async (_, blobId) => {
      atOnce += 1;
      record.mostAtOnce = Math.max(record.mostAtOnce, atOnce);
      await setImmediate();
      atOnce -= 1;
      record.fetched.push(blobId);
      if (blobId === options.failAtBlob) throw new Error("network");
      return new Uint8Array(entries.find((entry) => entry.blobId === blobId)?.sizeBytes ?? 0);
    },
  };
  const repositoryRpc: RepositoryRpc = {
    readFile: unused,
    listFiles: unused,
    searchCode: unused,
    isSealed: () => Promise.resolve(record.sealed),
    missing: (_, all) => {
      const blobIds = [...new Set(all.map(({ blobId }) => blobId))].filter((blobId) => !stored.has(blobId));
      return Promise.resolve({ sealed: record.sealed, blobIds });
    },
    ingest: (_, blobs: readonly IngestedBlob[]) => {
      record.batches.push(blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
      for (const { blobId } of blobs) stored.add(blobId);
      return Promise.resolve();
    },
    seal: () => {
      record.sealed = entries.every(({ blobId }) => stored.has(blobId));
      return Promise.resolve();
    },
  };
  return { record, ports: { gitHub, repositoryRpc, repository, commit } };
}

describe("prepareSnapshot", () => {
  it("fetches what is missing, few at once, in bounded batches, and seals", async () => {
    const { record, ports } = fakes(entriesOf(20, megabyte));
    await prepareSnapshot(ports);
    expect(record).toMatchObject({ sealed: true, mostAtOnce: 4, batches: [8 * megabyte, 8 * megabyte, 4 * megabyte] });
    expect(record.fetched).toHaveLength(20);
  });

  it("asks GitHub for nothing once the commit is sealed", async () => {
    const { record, ports } = fakes(entriesOf(2, 10));
    await prepareSnapshot(ports);
    await prepareSnapshot(ports);
    expect(record.fetched).toHaveLength(2);
  });

  it("goes on where an interrupted try ended", async () => {
    const entries = entriesOf(20, megabyte);
    const broken = fakes(entries, { failAtBlob: entries[12]?.blobId ?? "" });
    await expect(prepareSnapshot(broken.ports)).rejects.toThrow("network");
    expect(broken.record).toMatchObject({ sealed: false, batches: [8 * megabyte] });
    const whole = fakes(entries);
    const ports = { ...broken.ports, gitHub: whole.ports.gitHub };
    await prepareSnapshot(ports);
    expect(broken.record.sealed).toBe(true);
    expect(whole.record.fetched).toHaveLength(12);
  });

  it("ends with the signal's reason", async () => {
    const { record, ports } = fakes(entriesOf(2, 10));
    await expect(prepareSnapshot({ ...ports, signal: AbortSignal.abort(new Error("lease lost")) })).rejects.toThrow(
      "lease lost",
    );
    expect(record.sealed).toBe(false);
  });
});

describe("batchesOf", () => {
  it("keeps order and limit, and drops nothing", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 });
    expect(() => {
      fc.assert(
        fc.property(sizes, (all) => {
          const blobs = all.map((sizeBytes, index) => ({ blobId: String(index), sizeBytes }));
          const batches = batchesOf(blobs, 50);
          const sizeOf = (batch: readonly string[]) => batch.reduce((sum, id) => sum + (all[Number(id)] ?? 0), 0);
          expect(batches.flat()).toEqual(blobs.map(({ blobId }) => blobId));
          expect(batches.every((batch) => batch.length === 1 || sizeOf(batch) <= 50)).toBe(true);
        }),
      );
    }).not.toThrow();
  });
});
