/** An organization's latest submissions, counted by key look-ups and never one by one. */
import type { Remembered, StorageMemory } from "../storage-memory.ts";
import { dayMs, hourMs, nextUtcDayMs, type SubmissionUsage } from "./submission-usage.ts";

/** Submissions that count no more and go with each new one: more than come, so that none pile up. */
const forgottenAtOnce = 2;

/** A submission. Its ordinal counts from 1 without gaps, and no later one has an earlier time. */
export const submissionsMigration = `
  CREATE TABLE submissions (
    ordinal INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    number_of_day INTEGER NOT NULL
  );
  CREATE INDEX submissions_by_time ON submissions (at_ms);
  INSERT INTO submissions (ordinal, at_ms, number_of_day)
  SELECT
    ROW_NUMBER() OVER (ORDER BY created_at_ms, id),
    created_at_ms,
    ROW_NUMBER() OVER (PARTITION BY created_at_ms / ${dayMs} ORDER BY created_at_ms, id)
  FROM issues;
`;

type SubmissionRow = { ordinal: number; at_ms: number; number_of_day: number };

export class SubmissionTable {
  readonly #sql: SqlStorage;
  readonly #last: Remembered<SubmissionRow | null>;
  /** The first that is kept at all. */
  readonly #first: Remembered<SubmissionRow | null>;
  /** The first after a time, the one that was asked for last; null when none was. */
  readonly #oldest: Remembered<{ readonly afterMs: number; readonly row: SubmissionRow } | null>;

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    this.#last = memory.remember(() => this.#find("SELECT * FROM submissions ORDER BY ordinal DESC LIMIT 1"));
    this.#first = memory.remember(() => this.#find("SELECT * FROM submissions ORDER BY ordinal LIMIT 1"));
    this.#oldest = memory.remember(() => null);
  }

  /** What was submitted up to now, seen from a limit of so many within any hour. */
  usage(nowMs: number, issuesPerHour: number): SubmissionUsage {
    const last = this.#last.get();
    if (last === null) return { atMs: nowMs, lastHour: 0, today: 0, oldestAtMs: null, roomAtMs: null };
    const atMs = Math.max(nowMs, last.at_ms);
    const today = nextUtcDayMs(last.at_ms) === nextUtcDayMs(atMs) ? last.number_of_day : 0;
    const oldest = this.#oldestAfter(atMs - hourMs);
    if (oldest === null) return { atMs, lastHour: 0, today, oldestAtMs: null, roomAtMs: null };
    const lastHour = last.ordinal - oldest.ordinal + 1;
    const blocking =
      lastHour < issuesPerHour
        ? null
        : this.#find("SELECT * FROM submissions WHERE ordinal = ?", last.ordinal - issuesPerHour + 1);
    return {
      atMs,
      lastHour,
      today,
      oldestAtMs: oldest.at_ms,
      roomAtMs: blocking === null ? null : blocking.at_ms + hourMs,
    };
  }

  /** Counts a submission, and forgets some of those that are over an hour old. */
  record({ atMs, today }: SubmissionUsage): void {
    const last = this.#last.get();
    const first = this.#first.get();
    if (first !== null && last !== null && first.at_ms <= atMs - hourMs) {
      this.#sql.exec(
        `DELETE FROM submissions WHERE ordinal IN (
           SELECT ordinal FROM submissions WHERE at_ms <= ? AND ordinal < ? ORDER BY ordinal LIMIT ${forgottenAtOnce}
         )`,
        atMs - hourMs,
        last.ordinal,
      );
      this.#first.forget();
    }
    const row = { ordinal: (last?.ordinal ?? 0) + 1, at_ms: atMs, number_of_day: today + 1 };
    this.#sql.exec(
      "INSERT INTO submissions (ordinal, at_ms, number_of_day) VALUES (?, ?, ?)",
      row.ordinal,
      row.at_ms,
      row.number_of_day,
    );
    this.#last.set(row);
    if (first === null) this.#first.set(row);
  }

  #oldestAfter(afterMs: number): SubmissionRow | null {
    const known = this.#oldest.get();
    if (known !== null && known.afterMs <= afterMs && afterMs < known.row.at_ms) return known.row;
    const oldest = this.#find("SELECT * FROM submissions WHERE at_ms > ? ORDER BY at_ms, ordinal LIMIT 1", afterMs);
    this.#oldest.set(oldest === null ? null : { afterMs, row: oldest });
    return oldest;
  }

  #find(query: string, ...bindings: readonly number[]): SubmissionRow | null {
    return this.#sql.exec<SubmissionRow>(query, ...bindings).next().value ?? null;
  }
}
