/** The files of each commit, and whether all of them have been handed over. */
import { maxReadableFileBytes, type TreeEntry } from "../../contracts/repository-rpc.ts";

const linkMode = "120000";

/** Whether a file's content is kept: links have none of their own, and a stored row may not exceed 2 MB. */
function hasContent(entry: TreeEntry): boolean {
  return entry.mode !== linkMode && entry.sizeBytes <= maxReadableFileBytes;
}

export interface StoredFile {
  readonly path: string;
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly isLink: boolean;
  readonly hasContent: boolean;
}

interface FileRow extends Record<string, SqlStorageValue> {
  path: string;
  blob_id: string;
  size_bytes: number;
  mode: string;
  has_content: number;
}

const toFile = (row: FileRow): StoredFile => ({
  path: row.path,
  blobId: row.blob_id,
  sizeBytes: row.size_bytes,
  isLink: row.mode === linkMode,
  hasContent: row.has_content === 1,
});

export class TreeStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  isSealed(commit: string): boolean {
    const rows = this.#sql.exec("SELECT 1 FROM commits WHERE commit_id = ? AND is_sealed = 1", commit).toArray();
    return rows.length > 0;
  }

  /** Records the files of a commit that is not sealed, in place of those of an earlier try. */
  record(commit: string, entries: readonly TreeEntry[]): void {
    this.#sql.exec("INSERT OR IGNORE INTO commits (commit_id, is_sealed) VALUES (?, 0)", commit);
    this.#sql.exec("DELETE FROM files WHERE commit_id = ?", commit);
    for (const entry of entries) {
      this.#sql.exec(
        "INSERT INTO files (commit_id, path, blob_id, size_bytes, mode, has_content) VALUES (?, ?, ?, ?, ?, ?)",
        commit,
        entry.path,
        entry.blobId,
        entry.sizeBytes,
        entry.mode,
        hasContent(entry) ? 1 : 0,
      );
    }
  }

  /** Blobs of the commit that are to be stored and are not. */
  missingBlobIds(commit: string): string[] {
    const rows = this.#sql.exec<{ blob_id: string }>(
      `SELECT blob_id FROM files WHERE commit_id = ? AND has_content = 1
       AND NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.blob_id = files.blob_id)
       GROUP BY blob_id ORDER BY min(path)`,
      commit,
    );
    return rows.toArray().map((row) => row.blob_id);
  }

  /** Throws when the commit was never recorded, or a blob of it is missing. */
  seal(commit: string): void {
    const missing = this.missingBlobIds(commit).length;
    if (missing > 0) throw new Error(`commit ${commit} cannot be sealed: ${missing} blobs are missing`);
    const rows = this.#sql.exec("UPDATE commits SET is_sealed = 1 WHERE commit_id = ? RETURNING commit_id", commit);
    if (rows.toArray().length === 0) throw new Error(`commit ${commit} cannot be sealed: its tree was never recorded`);
  }

  /** The file at a path; null when there is none. */
  find(commit: string, path: string): StoredFile | null {
    const [row] = this.#sql
      .exec<FileRow>("SELECT * FROM files WHERE commit_id = ? AND path = ?", commit, path)
      .toArray();
    return row === undefined ? null : toFile(row);
  }

  /** Files whose path matches, in code unit order of their paths. */
  select(commit: string, matches: (path: string) => boolean): StoredFile[] {
    const rows = this.#sql.exec<FileRow>("SELECT * FROM files WHERE commit_id = ?", commit).toArray();
    const files = rows.filter((row) => matches(row.path)).map(toFile);
    return files.sort((left, right) => (left.path < right.path ? -1 : 1));
  }
}
