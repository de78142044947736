import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { JobRecord } from "../../contracts/records.ts";
import { boundLimit } from "../bound-limit.ts";
import type { Remembered, StorageMemory } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";
import { RowsByOwner } from "../transaction-rows.ts";
import { heldFilter } from "./held-filter.ts";
import type { JobState } from "./job-state.ts";
import { queueKey, type WaitingJobs } from "./schedule.ts";
import { isWaiting, type QueuedJob, WaitingQueue } from "./waiting-queue.ts";

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

type StateRow = { state: string };

function isPending({ record }: JobState): boolean {
  return record.status === "PENDING";
}

function isQueued(state: JobState): boolean {
  return isPending(state) && state.slot === null;
}

function queuedJobOf({ record }: JobState): QueuedJob {
  const { id: jobId, issueId, priority, createdAtMs } = record;
  return { jobId, issueId, priority, createdAtMs, queueKey: queueKey(record) };
}

function summaryOf(jobs: readonly QueuedJob[]): WaitingJobs {
  if (jobs.length === 0) return { count: 0, headPriority: null, oldestAtMs: null };
  return {
    count: jobs.length,
    headPriority: Math.min(...jobs.map(({ priority }) => priority)),
    oldestAtMs: Math.min(...jobs.map(({ createdAtMs }) => createdAtMs)),
  };
}

export interface WaitingRef {
  readonly jobId: string;
  readonly issueId: string;
}

export class JobTable {
  readonly queue: WaitingQueue;
  readonly #sql: SqlStorage;
  readonly #memory: StorageMemory;
  /** Each under its own id. */
  readonly #byId: RowsByOwner<JobState>;
  readonly #byIssue: RowsByOwner<JobState>;
  readonly #backlog: Remembered<number>;
  readonly #heldSlotIds: Remembered<readonly string[]>;

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    this.#memory = memory;
    this.queue = new WaitingQueue(sql, memory);
    this.#byId = new RowsByOwner(memory);
    this.#byIssue = new RowsByOwner(memory);
    this.#backlog = memory.remember(() => sql.exec<{ waiting: number }>("SELECT waiting FROM backlog").one().waiting);
    this.#heldSlotIds = memory.remember(() =>
      sql
        .exec<{ slot_id: string }>("SELECT slot_id FROM jobs WHERE slot_id IS NOT NULL ORDER BY slot_id")
        .toArray()
        .map((row) => row.slot_id),
    );
  }

  /** Stores a job that this transaction has made. */
  add(state: JobState): void {
    this.#memory.noteNew(state.record.id);
    this.save(state);
  }

  save(state: JobState): void {
    const { record } = state;
    const known = this.#byId.peek(record.id, record.id);
    const before = known === undefined ? this.#byIssue.peek(record.issueId, record.id) : known;
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
    this.#byId.keep(record.id, record.id, state);
    this.#byIssue.keep(record.issueId, record.id, state);
    this.#heed(before, state);
  }

  find(jobId: string): JobState | null {
    const [job] = this.#byId.of(jobId, () => {
      const found = this.#first("SELECT state FROM jobs WHERE id = ?", jobId);
      return found === null ? [] : [[jobId, found]];
    });
    return job ?? null;
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
    const { id: jobId, priority } = record;
    return this.queue.countBefore({ queueKey: queueKey(record), jobId, priority }, nowMs);
  }

  /** The jobs that the next slots would go to, at most so many. */
  waiting(nowMs: number, most: number, held: HeldJobs): WaitingJobs {
    return held.kind === "none" ? summaryOf(this.queue.first(nowMs, most)) : this.#waitingUnheld(nowMs, most, held);
  }

  /** The jobs that the next slots would go to, in that order, at most so many. */
  firstWaiting(nowMs: number, most: number): readonly WaitingRef[] {
    return this.queue.first(nowMs, most);
  }

  /** Jobs that wait for whatever reason, those that were sent and not claimed among them. */
  backlog(): number {
    return this.#backlog.get();
  }

  heldSlotIds(): readonly string[] {
    return this.#heldSlotIds.get();
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
    return this.#byIssue.of(issueId, () =>
      this.#sql
        .exec<StateRow>("SELECT state FROM jobs WHERE issue_id = ? ORDER BY rowid", issueId)
        .toArray()
        .map(({ state }) => {
          const job = fromStoredJson<JobState>(state);
          return [job.record.id, job];
        }),
    );
  }

  #waitingUnheld(nowMs: number, most: number, held: HeldJobs): WaitingJobs {
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

  /** Brings what is remembered in line with a job that was saved; `before` undefined: it is not known what it was. */
  #heed(before: JobState | null | undefined, after: JobState): void {
    if (before === undefined) {
      for (const remembered of [this.#backlog, this.#heldSlotIds, this.queue]) remembered.forget();
      return;
    }
    const change = Number(isPending(after)) - Number(before !== null && isPending(before));
    this.#backlog.update((waiting) => waiting + change);
    if ((before?.slot?.slotId ?? null) !== (after.slot?.slotId ?? null)) this.#heldSlotIds.forget();
    const wasQueued = before !== null && isQueued(before);
    if (!wasQueued && isQueued(after) && before === null && after.readyAtMs === 0) this.queue.added(queuedJobOf(after));
    else if (wasQueued || isQueued(after)) this.queue.forget();
  }

  #first(query: string, ...bindings: readonly (string | number)[]): JobState | null {
    const row = this.#sql.exec<StateRow>(query, ...bindings).next().value;
    return row === undefined ? null : fromStoredJson<JobState>(row.state);
  }
}
