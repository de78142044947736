import type { AuditEntry } from "../../contracts/platform-rpc.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

const keptEntries = 5_000;

/** The last changes by operators, who made them and why. */
export class AuditLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  record(entry: Omit<AuditEntry, "number">): void {
    this.#sql.exec("INSERT INTO audit (entry) VALUES (?)", JSON.stringify(entry));
    this.#sql.exec("DELETE FROM audit WHERE number <= (SELECT MAX(number) FROM audit) - ?", keptEntries);
  }

  /** Newest first. */
  list(limit: number): readonly AuditEntry[] {
    return this.#sql
      .exec<{ number: number; entry: string }>(
        `SELECT number, entry FROM audit ORDER BY number DESC ${boundLimit}`,
        limit,
      )
      .toArray()
      .map(({ number, entry }) => {
        const { atMs, action, scope, actor, reason, subject } = fromStoredJson<Omit<AuditEntry, "number">>(entry);
        return { number, atMs, action, scope, actor, reason, subject };
      });
  }
}
