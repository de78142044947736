import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { JobRecord } from "../../contracts/records.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";
import { hasKeyOrNeedsNone } from "./concurrency-keys.ts";
import { heldFilter } from "./held-filter.ts";
import type { JobState } from "./job-state.ts";
import { queueKey, type WaitingJobs } from "./schedule.ts";

/** Triggers keep the number of jobs that wait, so that no submission has to count them. */
export const backlogMigration = `
  CREATE TABLE backlog (id INTEGER PRIMARY KEY CHECK (id = 1), waiting INTEGER NOT NULL);
  INSERT INTO backlog (id, waiting) SELECT 1, COUNT(*) FROM jobs WHERE status = 'PENDING';
  CREATE TRIGGER backlog_grows AFTER INSERT ON jobs WHEN NEW.status = 'PENDING' BEGIN
    UPDATE backlog SET waiting = waiting + 1;
  END;
  CREATE TRIGGER backlog_changes AFTER UPDATE OF status ON jobs
  WHEN (OLD.status = 'PENDING') <> (NEW.status = 'PENDING') BEGIN
    UPDATE backlog SET waiting = waiting + (NEW.status = 'PENDING') - (OLD.status = 'PENDING');
  END;
  CREATE TRIGGER backlog_shrinks AFTER DELETE ON jobs WHEN OLD.status = 'PENDING' BEGIN
    UPDATE backlog SET waiting = waiting - 1;
  END;
  DROP INDEX jobs_waiting;
  CREATE INDEX jobs_waiting ON jobs (queue_key, id, ready_at_ms, priority, created_at_ms)
    WHERE status = 'PENDING' AND slot_id IS NULL;
`;

/** A position beyond this one is not told exactly: counting it would make every submission cost more than the last. */
const countedPositions = 1_000;

type StateRow = { state: string };

const isWaiting = `status = 'PENDING' AND slot_id IS NULL AND ready_at_ms <= ? AND ${hasKeyOrNeedsNone}`;

export interface WaitingRef {
  readonly jobId: string;
  readonly issueId: string;
}

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
  nextWaiting(nowMs: number, held: HeldJobs): JobState | null {
    const { sql, bindings } = heldFilter(held);
    return this.#first(
      `SELECT state FROM jobs WHERE ${isWaiting}${sql} ORDER BY queue_key, id LIMIT 1`,
      nowMs,
      ...bindings,
    );
  }

  /** How many waiting jobs a granted slot would go to before this one, counted up to a bound. */
  countBefore(record: JobRecord, nowMs: number): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT COUNT(*) AS n FROM (
           SELECT 1 FROM jobs WHERE ${isWaiting} AND (queue_key, id) < (?, ?) LIMIT ${countedPositions}
         )`,
        nowMs,
        queueKey(record),
        record.id,
      )
      .one().n;
  }

  /** The jobs that the next slots would go to, at most so many. */
  waiting(nowMs: number, most: number, held: HeldJobs): WaitingJobs {
    const { sql, bindings } = heldFilter(held);
    const row = this.#sql
      .exec<{ n: number; head: number | null; oldest: number | null }>(
        `SELECT COUNT(*) AS n, MIN(priority) AS head, MIN(created_at_ms) AS oldest FROM (
           SELECT priority, created_at_ms FROM jobs WHERE ${isWaiting}${sql} ORDER BY queue_key, id ${boundLimit}
         )`,
        nowMs,
        ...bindings,
        most,
      )
      .one();
    return { count: row.n, headPriority: row.head, oldestAtMs: row.oldest };
  }

  /** The jobs that the next slots would go to, in that order, at most so many. */
  firstWaiting(nowMs: number, most: number): readonly WaitingRef[] {
    return this.#sql
      .exec<{ id: string; issue_id: string }>(
        `SELECT id, issue_id FROM jobs WHERE ${isWaiting} ORDER BY queue_key, id ${boundLimit}`,
        nowMs,
        most,
      )
      .toArray()
      .map(({ id, issue_id }) => ({ jobId: id, issueId: issue_id }));
  }

  /** Jobs that wait for whatever reason, those that were sent and not claimed among them. */
  backlog(): number {
    return this.#sql.exec<{ waiting: number }>("SELECT waiting FROM backlog").one().waiting;
  }

  heldSlotIds(): readonly string[] {
    return this.#sql
      .exec<{ slot_id: string }>("SELECT slot_id FROM jobs WHERE slot_id IS NOT NULL ORDER BY slot_id")
      .toArray()
      .map((row) => row.slot_id);
  }

  /** Every job that runs, between two slices too. */
  running(): readonly JobState[] {
    return this.#sql
      .exec<StateRow>("SELECT state FROM jobs WHERE status = 'RUNNING' ORDER BY rowid")
      .toArray()
      .map(({ state }) => fromStoredJson<JobState>(state));
  }

  /** The jobs that hold a slot, whether a slice runs them or not. */
  withSlot(): readonly JobState[] {
    return this.#sql
      .exec<StateRow>("SELECT state FROM jobs WHERE slot_id IS NOT NULL ORDER BY rowid")
      .toArray()
      .map(({ state }) => fromStoredJson<JobState>(state));
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
