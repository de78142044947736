import type { JobRecord } from "../../contracts/records.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { JobState } from "./job-state.ts";
import { queueKey, type WaitingJobs } from "./schedule.ts";

type StateRow = { state: string };

const isWaiting = "status = 'PENDING' AND slot_id IS NULL AND ready_at_ms <= ?";

export class JobTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  save(state: JobState): void {
    const { record } = state;
    this.#sql.exec(
      `INSERT INTO jobs (id, issue_id, status, slot_id, priority, created_at_ms, queue_key, ready_at_ms, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         status = excluded.status, slot_id = excluded.slot_id, ready_at_ms = excluded.ready_at_ms, state = excluded.state`,
      record.id,
      record.issueId,
      record.status,
      state.slot?.slotId ?? null,
      record.priority,
      record.createdAtMs,
      queueKey(record),
      state.readyAtMs,
      JSON.stringify(state),
    );
  }

  find(jobId: string): JobState | null {
    return this.#first("SELECT state FROM jobs WHERE id = ?", jobId);
  }

  findBySlot(slotId: string): JobState | null {
    return this.#first("SELECT state FROM jobs WHERE slot_id = ?", slotId);
  }

  /** The job that a granted slot goes to; null when none could start now. */
  nextWaiting(nowMs: number): JobState | null {
    return this.#first(`SELECT state FROM jobs WHERE ${isWaiting} ORDER BY queue_key, id LIMIT 1`, nowMs);
  }

  /** How many waiting jobs a granted slot would go to before this one. */
  countBefore(record: JobRecord, nowMs: number): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT COUNT(*) AS n FROM jobs WHERE ${isWaiting} AND (queue_key, id) < (?, ?)`,
        nowMs,
        queueKey(record),
        record.id,
      )
      .one().n;
  }

  waiting(nowMs: number): WaitingJobs {
    const row = this.#sql
      .exec<{ n: number; head: number | null; oldest: number | null }>(
        `SELECT COUNT(*) AS n, MIN(priority) AS head, MIN(created_at_ms) AS oldest FROM jobs WHERE ${isWaiting}`,
        nowMs,
      )
      .one();
    return { count: row.n, headPriority: row.head, oldestAtMs: row.oldest };
  }

  heldSlotIds(): readonly string[] {
    return this.#sql
      .exec<{ slot_id: string }>("SELECT slot_id FROM jobs WHERE slot_id IS NOT NULL ORDER BY slot_id")
      .toArray()
      .map((row) => row.slot_id);
  }

  /** The issue's jobs, in the order they were made. */
  ofIssue(issueId: string): readonly JobState[] {
    return this.#sql
      .exec<StateRow>("SELECT state FROM jobs WHERE issue_id = ? ORDER BY rowid", issueId)
      .toArray()
      .map(({ state }) => fromStoredJson<JobState>(state));
  }

  #first(query: string, ...bindings: readonly (string | number)[]): JobState | null {
    const row = this.#sql.exec<StateRow>(query, ...bindings).next().value;
    return row === undefined ? null : fromStoredJson<JobState>(row.state);
  }
}
