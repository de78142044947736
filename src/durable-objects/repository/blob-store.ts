/** The text of files by Git blob id. Of a binary file only its existence is kept: nobody reads its bytes here. */
import { maxReadableFileBytes, type IngestedBlob } from "../../contracts/repository-rpc.ts";
import { gitBlobId, textOf } from "./git-blob.ts";

export class BlobStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores a blob; one that is there already stays. Throws when the bytes are not those of the id, or are too many. */
  put({ blobId, bytes }: IngestedBlob): void {
    if (bytes.byteLength > maxReadableFileBytes) throw new Error(`blob ${blobId} has ${bytes.byteLength} bytes`);
    const actualId = gitBlobId(bytes);
    if (actualId !== blobId) throw new Error(`the bytes handed over as blob ${blobId} are those of ${actualId}`);
    this.#sql.exec("INSERT OR IGNORE INTO blobs (blob_id, text) VALUES (?, ?)", blobId, textOf(bytes));
  }

  /** The blob's text; null when it is binary. Throws when it was never stored, which a sealed commit rules out. */
  text(blobId: string): string | null {
    return this.#sql.exec<{ text: string | null }>("SELECT text FROM blobs WHERE blob_id = ?", blobId).one().text;
  }
}
