/**
 * Which issue is worked on under a concurrency key. It has the key from the first dispatch of its work until it ends or
 * waits for a review; the jobs of other issues with the key wait meanwhile.
 */
import type { OrganizationEvent } from "../../contracts/events.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { hasNothingToRun } from "../../contracts/status.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobState } from "./job-state.ts";
import { queueKey } from "./schedule.ts";

export const concurrencyKeysMigration = `
  CREATE TABLE concurrency_keys (key TEXT PRIMARY KEY, issue_id TEXT NOT NULL) WITHOUT ROWID;
  ALTER TABLE jobs ADD COLUMN concurrency_key TEXT;
  UPDATE issues SET record =
    json_set(record, '$.notBeforeMs', NULL, '$.expiresAtMs', NULL, '$.concurrencyKey', NULL);
  DROP INDEX jobs_waiting;
  CREATE INDEX jobs_waiting
    ON jobs (queue_key, id, ready_at_ms, concurrency_key, issue_id, priority, created_at_ms)
    WHERE status = 'PENDING' AND slot_id IS NULL;
  CREATE INDEX jobs_waiting_by_key ON jobs (concurrency_key, queue_key, id)
    WHERE status = 'PENDING' AND slot_id IS NULL AND concurrency_key IS NOT NULL;
`;

/** A condition on `jobs`: no other issue has the job's key. */
export const hasKeyOrNeedsNone = `NOT EXISTS (
  SELECT 1 FROM concurrency_keys k WHERE k.key = jobs.concurrency_key AND k.issue_id <> jobs.issue_id
)`;

const waitsForKey = "concurrency_key = ? AND status = 'PENDING' AND slot_id IS NULL";
/** One that comes first, and one that it may have pushed back. */
const watchedInLine = 2;

export class ConcurrencyKeys {
  readonly #sql: SqlStorage;
  readonly #issues: IssueTable;
  readonly #onChange: () => void;

  /** `onChange` hears of every change of who waits for which key. */
  constructor(sql: SqlStorage, issues: IssueTable, onChange: () => void) {
    this.#sql = sql;
    this.#issues = issues;
    this.#onChange = onChange;
  }

  /** Takes note of new jobs, and gives the key of a dispatched one to its issue. */
  follow(events: readonly OrganizationEvent[]): void {
    for (const { type, issueId, jobId } of events) {
      if (type !== "job.created" && type !== "job.dispatched") continue;
      const { concurrencyKey } = this.#issues.get(issueId);
      if (concurrencyKey === null) continue;
      this.#onChange();
      if (type === "job.created") {
        this.#sql.exec("UPDATE jobs SET concurrency_key = ? WHERE id = ?", concurrencyKey, jobId);
      } else {
        this.#sql.exec("INSERT OR IGNORE INTO concurrency_keys (key, issue_id) VALUES (?, ?)", concurrencyKey, issueId);
      }
    }
  }

  /** Whether another issue has the job's key, or comes first among those that wait for it. */
  isBehind({ record: { id, issueId, priority, createdAtMs } }: JobState, nowMs: number): boolean {
    const { concurrencyKey } = this.#issues.get(issueId);
    if (concurrencyKey === null) return false;
    const holder = this.#sql
      .exec<{ issue_id: string }>("SELECT issue_id FROM concurrency_keys WHERE key = ?", concurrencyKey)
      .next().value;
    if (holder !== undefined) return holder.issue_id !== issueId;
    const earlier = this.#sql.exec(
      `SELECT 1 FROM jobs WHERE ${waitsForKey} AND ready_at_ms <= ? AND issue_id <> ? AND (queue_key, id) < (?, ?) LIMIT 1`,
      concurrencyKey,
      nowMs,
      issueId,
      queueKey({ priority, createdAtMs }),
      id,
    );
    return earlier.next().done !== true;
  }

  /** The issues that come first among those that wait for a key: whose reason to wait may change with a neighbour's. */
  firstInLine(key: string): readonly string[] {
    return this.#sql
      .exec<{ issue_id: string }>(
        `SELECT issue_id FROM jobs WHERE ${waitsForKey} ORDER BY queue_key, id LIMIT ${watchedInLine}`,
        key,
      )
      .toArray()
      .map((row) => row.issue_id);
  }

  /** Takes the key from an issue of which nothing is to be run for now. */
  releaseEnded({ id, status, concurrencyKey }: IssueRecord): void {
    if (concurrencyKey === null || !hasNothingToRun(status)) return;
    this.#onChange();
    this.#sql.exec("DELETE FROM concurrency_keys WHERE key = ? AND issue_id = ?", concurrencyKey, id);
  }
}
