/** Typed RPC of the repository object: a Git tree at a commit, and its blobs by content hash. */

/** Who reads; foreign tenants' files do not exist for him. */
export interface RepositoryReader {
  readonly organizationId: string;
  readonly slug: string | null;
}

export interface TreeEntry {
  readonly path: string;
  /** Git blob id (hex). */
  readonly blobId: string;
  readonly sizeBytes: number;
  /** Git file mode, such as `100644`. */
  readonly mode: string;
}

export interface MissingBlobs {
  readonly sealed: boolean;
  readonly blobIds: readonly string[];
}

export interface IngestedBlob {
  readonly blobId: string;
  readonly bytes: Uint8Array;
}

export interface FileMatch {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export interface SearchQuery extends RepositoryReader {
  readonly commit: string;
  /** Literal text. */
  readonly text: string;
  readonly ignoreCase: boolean;
  /** Glob over paths; null for all. */
  readonly glob: string | null;
  readonly limit: number;
  /** Paths that the caller's workspace replaces: left out here, searched there. */
  readonly excludePaths: readonly string[];
}

export interface FileQuery extends RepositoryReader {
  readonly commit: string;
  readonly path: string;
}

export interface ListFilesQuery extends RepositoryReader {
  readonly commit: string;
  readonly glob: string | null;
  readonly limit: number;
}

export interface RepositoryRpc {
  /** Records the tree of a commit and says which blobs are still to be handed over. */
  missing(commit: string, entries: readonly TreeEntry[]): Promise<MissingBlobs>;
  isSealed(commit: string): Promise<boolean>;
  /** Takes blobs, at most 8 MB a batch; the same blob twice changes nothing. Throws when bytes do not hash to their id. */
  ingest(commit: string, blobs: readonly IngestedBlob[]): Promise<void>;
  /** Makes the commit readable; throws while a blob is missing. */
  seal(commit: string): Promise<void>;
  /** Text of a file at a sealed commit; null when there is none. Binary files answer `isBinary`. */
  readFile(query: FileQuery): Promise<{ readonly text: string; readonly isBinary: boolean } | null>;
  listFiles(query: ListFilesQuery): Promise<{ readonly paths: readonly string[]; readonly total: number }>;
  searchCode(query: SearchQuery): Promise<{ readonly matches: readonly FileMatch[]; readonly truncated: boolean }>;
}
