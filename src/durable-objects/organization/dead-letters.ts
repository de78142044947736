/** What failed for good in this organization, and whether a retry has taken it up. It follows the events. */
import type { OrganizationEvent } from "../../contracts/events.ts";
import type { DeadLetter, DeadLetterQuery } from "../../contracts/organization-rpc.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

/** A job or effect that failed before this table was is taken over with what is stored of it. */
export const deadLettersMigration = `
  CREATE TABLE dead_letters (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    issue_id TEXT NOT NULL,
    failed_at_ms INTEGER NOT NULL,
    error TEXT NOT NULL,
    redriven_at_ms INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX dead_letters_by_time ON dead_letters (failed_at_ms, id);
  INSERT INTO dead_letters (id, kind, issue_id, failed_at_ms, error)
    SELECT id, 'job', issue_id, state ->> '$.record.completedAtMs', state -> '$.record.error'
      FROM jobs WHERE status = 'FAILED';
  INSERT INTO dead_letters (id, kind, issue_id, failed_at_ms, error)
    SELECT id, 'effect', issue_id, state ->> '$.record.updatedAtMs', state -> '$.record.error'
      FROM effects WHERE state ->> '$.record.status' = 'FAILED';
`;

type Row = {
  id: string;
  kind: DeadLetter["kind"];
  issue_id: string;
  failed_at_ms: number;
  error: string;
  redriven_at_ms: number | null;
};

const unnamedError = { reason: "unknown", message: "No reason was given." };

export class DeadLetters {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Takes note of what a change's events say of failures and of what does them again. */
  follow(events: readonly OrganizationEvent[]): void {
    for (const event of events) {
      if (event.type === "job.status_changed" && event.data.status === "FAILED" && event.jobId !== null) {
        this.#add(event, { kind: "job", id: event.jobId, error: event.data.error });
      } else if (event.type === "effect.changed" && event.data.effect.status === "FAILED") {
        this.#add(event, { kind: "effect", id: event.data.effect.id, error: event.data.effect.error });
      } else if (event.type === "job.created") this.#redriven(event.data.job.retryOf, event.atMs);
      else if (event.type === "effect.created") this.#redriven(event.data.effect.redriveOf, event.atMs);
    }
  }

  list({ before, limit }: Pick<DeadLetterQuery, "before" | "limit">): readonly DeadLetter[] {
    return this.#sql
      .exec<Row>(
        `SELECT * FROM dead_letters WHERE ?1 IS NULL OR (failed_at_ms, id) < (?1, ?2)
         ORDER BY failed_at_ms DESC, id DESC ${boundLimit}`,
        before?.failedAtMs ?? null,
        before?.id ?? null,
        limit,
      )
      .toArray()
      .map((row) => ({
        kind: row.kind,
        id: row.id,
        issueId: row.issue_id,
        failedAtMs: row.failed_at_ms,
        error: fromStoredJson<DeadLetter["error"] | null>(row.error) ?? unnamedError,
        redrivenAtMs: row.redriven_at_ms,
      }));
  }

  #add(
    { issueId, atMs }: OrganizationEvent,
    { kind, id, error }: Pick<DeadLetter, "kind" | "id"> & { readonly error: DeadLetter["error"] | null },
  ): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO dead_letters (id, kind, issue_id, failed_at_ms, error) VALUES (?, ?, ?, ?, ?)",
      id,
      kind,
      issueId,
      atMs,
      JSON.stringify(error ?? unnamedError),
    );
  }

  #redriven(id: string | null, atMs: number): void {
    if (id === null) return;
    this.#sql.exec("UPDATE dead_letters SET redriven_at_ms = ? WHERE id = ? AND redriven_at_ms IS NULL", atMs, id);
  }
}
