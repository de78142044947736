/** Asking for the size costs two queries, and within this time it grows by far less than is kept free for work under way. */
const freshMs = 1_000;

/** How large an organization's database is, at most a second ago. */
export class DatabaseSize {
  readonly #sql: Pick<SqlStorage, "databaseSize">;
  #asked: { readonly bytes: number; readonly atMs: number } | null = null;

  constructor(sql: Pick<SqlStorage, "databaseSize">) {
    this.#sql = sql;
  }

  bytes(nowMs: number): number {
    const asked = this.#asked;
    if (asked !== null && asked.atMs <= nowMs && nowMs < asked.atMs + freshMs) return asked.bytes;
    const bytes = this.#sql.databaseSize;
    this.#asked = { bytes, atMs: nowMs };
    return bytes;
  }
}
