/** A file's bytes as Git knows them. */
import { createHash } from "node:crypto";

/** How much of a file Git looks at to tell whether it is binary. */
const sniffedBytes = 8_000;

/** The id of these bytes as a Git blob, in hex. */
export function gitBlobId(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");
}

/** The bytes as text that encodes to the same bytes again; null for a binary file, or one in another encoding. */
export function textOf(bytes: Uint8Array): string | null {
  if (bytes.subarray(0, sniffedBytes).includes(0)) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
