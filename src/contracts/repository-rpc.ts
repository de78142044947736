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

/** Larger files, and the targets of links, are listed but never stored: a stored row may not exceed 2 MB. */
export const maxReadableFileBytes = 1_000_000;
export const maxIngestBatchBytes = 8_000_000;

export type FileContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary" }
  | { readonly kind: "too_large"; readonly sizeBytes: number }
  | { readonly kind: "link" };

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
  /** A file at a sealed commit; null when there is none. The text keeps every byte: line ends and a leading mark too. */
  readFile(query: FileQuery): Promise<FileContent | null>;
  /** Paths in code unit order, and how many there are in all. Throws when the glob cannot be used. */
  listFiles(query: ListFilesQuery): Promise<{ readonly paths: readonly string[]; readonly total: number }>;
  /** Lines that hold the text, by path and line; long lines are cut around the match. */
  searchCode(query: SearchQuery): Promise<{ readonly matches: readonly FileMatch[]; readonly truncated: boolean }>;
}
