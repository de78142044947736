/**
 * The queue of an organization's waiting jobs: who comes first, and how many come before another. What was read of it is
 * remembered while jobs are only added, so that a submission reads none of those that wait already.
 */
import type { StorageMemory } from "../storage-memory.ts";
import { boundLimit } from "../bound-limit.ts";
import { hasKeyOrNeedsNone } from "./concurrency-keys.ts";

/** Those that may not start before a time; jobs that wait for nothing but a slot are not among them. */
export const delayedJobsMigration = `
  CREATE INDEX jobs_delayed ON jobs (ready_at_ms)
    WHERE status = 'PENDING' AND slot_id IS NULL AND ready_at_ms > 0;
`;

/** A position beyond this one is not told exactly: counting it would make every submission cost more than the last. */
const countedPositions = 1_000;
/** As many of the first are remembered, which is more than an organization has slots. */
const rememberedJobs = 24;

const isDelayed = "status = 'PENDING' AND slot_id IS NULL AND ready_at_ms > 0";
/** A condition on `jobs`: a slot that was granted now could go to the job. It binds the time. */
export const isWaiting = `status = 'PENDING' AND slot_id IS NULL AND ready_at_ms <= ? AND ${hasKeyOrNeedsNone}`;

/** A job's place in the order in which jobs start. */
interface Place {
  readonly queueKey: number;
  readonly jobId: string;
}

export interface QueuedJob extends Place {
  readonly issueId: string;
  readonly priority: number;
  readonly createdAtMs: number;
}

type QueuedRow = { id: string; issue_id: string; queue_key: number; priority: number; created_at_ms: number };

/** From `sinceMs` up to, but not including, `untilMs` no job becomes ready, or ceases to be, by time alone. */
interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

function isBefore(left: Place, right: Place): boolean {
  return left.queueKey < right.queueKey || (left.queueKey === right.queueKey && left.jobId < right.jobId);
}

export class WaitingQueue {
  readonly #sql: SqlStorage;
  #window: Window | null = null;
  /** The first jobs, at most as many as are remembered. */
  #head: readonly QueuedJob[] | null = null;
  /**
   * For each priority the last place that was counted, and how many come before it; as many as are counted at most stand for
   * more. Jobs of one priority come in their order, but for those of one millisecond.
   */
  readonly #counted = new Map<number, { readonly place: Place; readonly before: number }>();

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    memory.keep(this);
  }

  /** A job that waits for nothing but a slot has come. */
  added(job: QueuedJob): void {
    const head = this.#head;
    const last = head?.at(-1);
    if (head !== null && (last === undefined || head.length < rememberedJobs || isBefore(job, last))) {
      const behind = head.findIndex((other) => isBefore(job, other));
      this.#head = head.toSpliced(behind === -1 ? head.length : behind, 0, job).slice(0, rememberedJobs);
    }
    for (const [priority, { place, before }] of this.#counted) {
      if (isBefore(job, place)) this.#counted.set(priority, { place, before: Math.min(countedPositions, before + 1) });
    }
  }

  /** Anything else about the waiting jobs, or the keys that they wait for, has changed. */
  forget(): void {
    this.#window = null;
    this.#head = null;
    this.#counted.clear();
  }

  /** The jobs that the next slots would go to, in that order, at most so many. */
  first(nowMs: number, most: number): readonly QueuedJob[] {
    if (most > rememberedJobs) return this.#read(nowMs, most);
    this.#heedTime(nowMs);
    this.#head ??= this.#read(nowMs, rememberedJobs);
    return this.#head.slice(0, most);
  }

  /** How many waiting jobs a granted slot would go to before this one, counted up to a bound. */
  countBefore(job: Place & Pick<QueuedJob, "priority">, nowMs: number): number {
    this.#heedTime(nowMs);
    const counted = this.#counted.get(job.priority) ?? { place: null, before: 0 };
    const { place, before } = counted;
    if (place !== null && isBefore(job, place)) {
      return before < countedPositions
        ? before - this.#count(nowMs, job, place, before)
        : this.#count(nowMs, null, job, countedPositions);
    }
    // What comes after a place that many come before has as many before it: that place need not move.
    if (before >= countedPositions) return before;
    const withMore = before + this.#count(nowMs, place, job, countedPositions - before);
    this.#counted.set(job.priority, { place: job, before: withMore });
    return withMore;
  }

  /** Forgets what time has overtaken: a delay has ended since, or the clock was set back before the end of one. */
  #heedTime(nowMs: number): void {
    if (this.#window !== null && this.#window.sinceMs <= nowMs && nowMs < this.#window.untilMs) return;
    this.forget();
    const row = this.#sql
      .exec<{ since: number | null; until: number | null }>(
        `SELECT (SELECT MAX(ready_at_ms) FROM jobs WHERE ${isDelayed} AND ready_at_ms <= ?1) AS since,
           (SELECT MIN(ready_at_ms) FROM jobs WHERE ${isDelayed} AND ready_at_ms > ?1) AS until`,
        nowMs,
      )
      .one();
    this.#window = { sinceMs: row.since ?? 0, untilMs: row.until ?? Number.POSITIVE_INFINITY };
  }

  #read(nowMs: number, most: number): readonly QueuedJob[] {
    return this.#sql
      .exec<QueuedRow>(
        `SELECT id, issue_id, queue_key, priority, created_at_ms FROM jobs
         WHERE ${isWaiting} ORDER BY queue_key, id ${boundLimit}`,
        nowMs,
        most,
      )
      .toArray()
      .map((row) => ({
        jobId: row.id,
        issueId: row.issue_id,
        queueKey: row.queue_key,
        priority: row.priority,
        createdAtMs: row.created_at_ms,
      }));
  }

  /** Waiting jobs from one place (null: from the first), it included, up to another, at most so many. */
  #count(nowMs: number, from: Place | null, to: Place, most: number): number {
    const [since, sinceBindings] =
      from === null ? ["", []] : ["AND (queue_key, id) >= (?, ?)", [from.queueKey, from.jobId]];
    return this.#sql
      .exec<{ n: number }>(
        `SELECT COUNT(*) AS n FROM (
           SELECT 1 FROM jobs WHERE ${isWaiting} ${since} AND (queue_key, id) < (?, ?) ${boundLimit}
         )`,
        nowMs,
        ...sinceBindings,
        to.queueKey,
        to.jobId,
        most,
      )
      .one().n;
  }
}
