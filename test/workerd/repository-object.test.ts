import { createHash } from "node:crypto";
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  maxReadableFileBytes,
  type IngestedBlob,
  type SearchQuery,
  type TreeEntry,
} from "../../src/contracts/repository-rpc.ts";

const reader = { organizationId: `org_${crypto.randomUUID()}`, slug: "northwind-studio" };

interface Snapshot {
  readonly commit: string;
  readonly entries: readonly TreeEntry[];
  readonly blobs: readonly IngestedBlob[];
}

/** A commit of these files, with the ids that Git gives to their bytes. */
function snapshotOf(files: Readonly<Record<string, string | Uint8Array>>): Snapshot {
  const blobs = Object.values(files).map((content) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const blobId = createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");
    return { blobId, bytes };
  });
  const entries = Object.keys(files).map((path, index) => ({
    path,
    blobId: blobs[index]?.blobId ?? "",
    sizeBytes: blobs[index]?.bytes.byteLength ?? 0,
    mode: "100644",
  }));
  const commit = createHash("sha1").update(JSON.stringify(entries)).digest("hex");
  return { commit, entries, blobs };
}

const newRepository = () => env.REPOSITORIES.getByName(`test/${crypto.randomUUID()}`);

async function sealed(files: Readonly<Record<string, string | Uint8Array>>) {
  const repository = newRepository();
  const { commit, entries, blobs } = snapshotOf(files);
  await repository.missing(commit, entries);
  await repository.ingest(commit, blobs);
  await repository.seal(commit);
  return { repository, commit };
}

/** The message that a call fails with. */
async function failureOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  throw new Error("the call did not fail");
}

describe("handing over a commit", () => {
  it("asks only for what it lacks, and is readable once sealed", async () => {
    const repository = newRepository();
    const first = snapshotOf({ "a.ts": "one\n", "b.ts": "two\n", "copy.ts": "one\n" });
    expect(await repository.isSealed(first.commit)).toBe(false);
    const asked = await repository.missing(first.commit, first.entries);
    expect(asked).toEqual({ sealed: false, blobIds: [first.blobs[0]?.blobId, first.blobs[1]?.blobId] });
    await repository.ingest(first.commit, first.blobs);
    await repository.seal(first.commit);
    expect(await repository.isSealed(first.commit)).toBe(true);
    expect(await repository.missing(first.commit, first.entries)).toEqual({ sealed: true, blobIds: [] });

    const second = snapshotOf({ "a.ts": "one\n", "b.ts": "changed\n" });
    expect((await repository.missing(second.commit, second.entries)).blobIds).toEqual([second.blobs[1]?.blobId]);
  });

  it("does nothing when the same is handed over twice", async () => {
    const { repository, commit } = await sealed({ "a.ts": "one\n" });
    const { entries, blobs } = snapshotOf({ "a.ts": "one\n" });
    await repository.missing(commit, entries);
    await repository.ingest(commit, blobs);
    await repository.seal(commit);
    expect(await repository.listFiles({ ...reader, commit, glob: null, limit: 10 })).toEqual({
      paths: ["a.ts"],
      total: 1,
    });
  });

  it("cannot be read or sealed before it is complete", async () => {
    const repository = newRepository();
    const { commit, entries } = snapshotOf({ "a.ts": "one\n" });
    expect(await failureOf(() => repository.seal(commit))).toContain("never recorded");
    await repository.missing(commit, entries);
    expect(await failureOf(() => repository.seal(commit))).toContain("1 blobs are missing");
    expect(await failureOf(() => repository.readFile({ ...reader, commit, path: "a.ts" }))).toContain(
      "not readable yet",
    );
    expect(await failureOf(() => repository.listFiles({ ...reader, commit, glob: null, limit: 1 }))).toContain(
      "not readable yet",
    );
  });

  it("refuses bytes that are not those of the id, and keeps nothing of their batch", async () => {
    const repository = newRepository();
    const { commit, entries, blobs } = snapshotOf({ "a.ts": "one\n", "b.ts": "two\n" });
    await repository.missing(commit, entries);
    const forged = blobs.map((blob, index) => (index === 1 ? { ...blob, bytes: new Uint8Array([1]) } : blob));
    expect(await failureOf(() => repository.ingest(commit, forged))).toContain(`blob ${blobs[1]?.blobId}`);
    expect((await repository.missing(commit, entries)).blobIds).toHaveLength(2);
  });

  it("goes on after an eviction between any two calls", async () => {
    const repository = newRepository();
    const { commit, entries, blobs } = snapshotOf({ "a.ts": "one\n" });
    await repository.missing(commit, entries);
    await evictDurableObject(repository);
    await repository.ingest(commit, blobs);
    await evictDurableObject(repository);
    await repository.seal(commit);
    await evictDurableObject(repository);
    expect(await repository.readFile({ ...reader, commit, path: "a.ts" })).toEqual({ kind: "text", text: "one\n" });
  });
});

describe("reading a commit", () => {
  it("keeps every byte of a text", async () => {
    const text = "\u{FEFF}first\r\nsecond ü\n\nno end";
    const { repository, commit } = await sealed({ "a.ts": text });
    expect(await repository.readFile({ ...reader, commit, path: "a.ts" })).toEqual({ kind: "text", text });
    expect(await repository.readFile({ ...reader, commit, path: "b.ts" })).toBeNull();
  });

  it("says what cannot be read as text", async () => {
    const repository = newRepository();
    const latin1 = new Uint8Array([0x66, 0xfc, 0x72]);
    const { commit, entries, blobs } = snapshotOf({ "logo.png": new Uint8Array([137, 80, 0, 1]), "old.txt": latin1 });
    const unread = [
      { path: "huge.csv", blobId: "1".repeat(40), sizeBytes: maxReadableFileBytes + 1, mode: "100644" },
      { path: "link", blobId: "2".repeat(40), sizeBytes: 8, mode: "120000" },
    ];
    const asked = await repository.missing(commit, [...entries, ...unread]);
    expect(asked.blobIds).toHaveLength(2);
    await repository.ingest(commit, blobs);
    await repository.seal(commit);
    const read = (path: string) => repository.readFile({ ...reader, commit, path });
    expect(await read("logo.png")).toEqual({ kind: "binary" });
    expect(await read("old.txt")).toEqual({ kind: "binary" });
    expect(await read("huge.csv")).toEqual({ kind: "too_large", sizeBytes: maxReadableFileBytes + 1 });
    expect(await read("link")).toEqual({ kind: "link" });
    expect((await repository.listFiles({ ...reader, commit, glob: null, limit: 10 })).total).toBe(4);
    expect((await repository.searchCode({ ...search, commit, text: "f" })).matches).toEqual([]);
  });

  it("lists by glob, in order, with the whole count", async () => {
    const { repository, commit } = await sealed({
      "src/b.ts": "b",
      "src/app/(main)/[id]/page.tsx": "page",
      "src/a.ts": "a",
      "README.md": "read",
    });
    const list = (glob: string | null, limit: number) => repository.listFiles({ ...reader, commit, glob, limit });
    expect(await list(null, 2)).toEqual({ paths: ["README.md", "src/a.ts"], total: 4 });
    expect(await list("**/*.ts", 10)).toEqual({ paths: ["src/a.ts", "src/b.ts"], total: 2 });
    expect(await list("src/app/(main)/[id]/*.{ts,tsx}", 10)).toEqual({
      paths: ["src/app/(main)/[id]/page.tsx"],
      total: 1,
    });
  });
});

const search: Omit<SearchQuery, "commit" | "text"> = {
  ...reader,
  ignoreCase: false,
  glob: null,
  limit: 10,
  excludePaths: [],
};

describe("searching a commit", () => {
  const files = {
    "a.ts": "const status = 'SUBMITTED';\nnothing\nSUBMITTED again\r\n",
    "b.md": "submitted (a+)+$\n",
    "c.ts": "SUBMITTED\n",
  };

  it("finds plain text by path and line", async () => {
    const { repository, commit } = await sealed(files);
    const found = await repository.searchCode({ ...search, commit, text: "SUBMITTED" });
    expect(found.truncated).toBe(false);
    expect(found.matches.map(({ path, line, text }) => `${path}:${line} ${text}`)).toEqual([
      "a.ts:1 const status = 'SUBMITTED';",
      "a.ts:3 SUBMITTED again",
      "c.ts:1 SUBMITTED",
    ]);
    expect((await repository.searchCode({ ...search, commit, text: "(a+)+$" })).matches).toHaveLength(1);
  });

  it("honours case, glob, excluded paths and limit", async () => {
    const { repository, commit } = await sealed(files);
    const count = async (narrower: Partial<SearchQuery>) => {
      const found = await repository.searchCode({ ...search, commit, text: "SUBMITTED", ...narrower });
      return [found.matches.length, found.truncated];
    };
    expect(await count({ ignoreCase: true })).toEqual([4, false]);
    expect(await count({ glob: "*.md" })).toEqual([0, false]);
    expect(await count({ excludePaths: ["a.ts"] })).toEqual([1, false]);
    expect(await count({ limit: 2 })).toEqual([2, true]);
    expect(await count({ limit: 3 })).toEqual([3, false]);
  });
});
