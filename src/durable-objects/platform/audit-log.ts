import type { AuditEntry, AuditQuery } from "../../contracts/audit.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

const keptEntries = 5_000;

/** What every entry has, and what only some have. */
type NewEntry = Pick<AuditEntry, "atMs" | "action" | "scope" | "actor"> & Partial<Omit<AuditEntry, "number">>;

function entryOf(number: number, stored: NewEntry): AuditEntry {
  return { reason: null, subject: null, settings: null, sessionId: null, ...stored, number };
}

/** The last changes by operators, who made them and why. */
export class AuditLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  record(entry: NewEntry): void {
    this.#sql.exec("INSERT INTO audit (entry) VALUES (?)", JSON.stringify(entry));
    this.#sql.exec("DELETE FROM audit WHERE number <= (SELECT MAX(number) FROM audit) - ?", keptEntries);
  }

  /** Newest first. */
  list({ before, limit }: AuditQuery): readonly AuditEntry[] {
    return this.#sql
      .exec<{ number: number; entry: string }>(
        `SELECT number, entry FROM audit WHERE number < ? ORDER BY number DESC ${boundLimit}`,
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray()
      .map(({ number, entry }) => entryOf(number, fromStoredJson<NewEntry>(entry)));
  }
}
