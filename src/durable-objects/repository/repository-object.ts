/** The object of one repository: commits and their files, as handed over by whoever may ask GitHub. */
/* oxlint-disable typescript/require-await -- an RPC method is asynchronous to its caller; async makes a throw a rejection */
import { DurableObject } from "cloudflare:workers";
import {
  maxIngestBatchBytes,
  type FileContent,
  type FileMatch,
  type FileQuery,
  type IngestedBlob,
  type ListFilesQuery,
  type MissingBlobs,
  type RepositoryRpc,
  type SearchQuery,
  type TreeEntry,
} from "../../contracts/repository-rpc.ts";
import { globMatcher } from "../../core/glob.ts";
import { migrateSchema } from "../schema-version.ts";
import { BlobStore } from "./blob-store.ts";
import { searchFiles } from "./code-search.ts";
import { repositoryMigrations } from "./schema.ts";
import { TreeStore } from "./tree-store.ts";

const everyPath = (): boolean => true;

export class RepositoryObject extends DurableObject<Env> implements RepositoryRpc {
  readonly #trees: TreeStore;
  readonly #blobs: BlobStore;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    migrateSchema(context.storage, repositoryMigrations);
    this.#trees = new TreeStore(context.storage.sql);
    this.#blobs = new BlobStore(context.storage.sql);
  }

  async missing(commit: string, entries: readonly TreeEntry[]): Promise<MissingBlobs> {
    if (this.#trees.isSealed(commit)) return { sealed: true, blobIds: [] };
    this.ctx.storage.transactionSync(() => this.#trees.record(commit, entries));
    return { sealed: false, blobIds: this.#trees.missingBlobIds(commit) };
  }

  async isSealed(commit: string): Promise<boolean> {
    return this.#trees.isSealed(commit);
  }

  async ingest(commit: string, blobs: readonly IngestedBlob[]): Promise<void> {
    const sizeBytes = blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    if (sizeBytes > maxIngestBatchBytes) throw new Error(`a batch of ${sizeBytes} bytes for ${commit} is too large`);
    this.ctx.storage.transactionSync(() => {
      for (const blob of blobs) this.#blobs.put(blob);
    });
  }

  async seal(commit: string): Promise<void> {
    this.#trees.seal(commit);
  }

  async readFile({ commit, path }: FileQuery): Promise<FileContent | null> {
    this.#requireSealed(commit);
    const file = this.#trees.find(commit, path);
    if (file === null) return null;
    if (file.isLink) return { kind: "link" };
    if (!file.hasContent) return { kind: "too_large", sizeBytes: file.sizeBytes };
    const text = this.#blobs.text(file.blobId);
    return text === null ? { kind: "binary" } : { kind: "text", text };
  }

  async listFiles({ commit, glob, limit }: ListFilesQuery): Promise<{ paths: string[]; total: number }> {
    this.#requireSealed(commit);
    const files = this.#trees.select(commit, glob === null ? everyPath : globMatcher(glob));
    return { paths: files.slice(0, limit).map(({ path }) => path), total: files.length };
  }

  async searchCode(query: SearchQuery): Promise<{ matches: FileMatch[]; truncated: boolean }> {
    this.#requireSealed(query.commit);
    const excluded = new Set(query.excludePaths);
    const isWanted = query.glob === null ? everyPath : globMatcher(query.glob);
    const files = this.#trees.select(query.commit, (path) => !excluded.has(path) && isWanted(path));
    return searchFiles(files, query, (blobId) => this.#blobs.text(blobId));
  }

  #requireSealed(commit: string): void {
    if (!this.#trees.isSealed(commit)) throw new Error(`commit ${commit} is not readable yet`);
  }
}
