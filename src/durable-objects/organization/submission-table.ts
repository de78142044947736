/** An organization's latest submissions, counted by key look-ups and never one by one. */
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

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What was submitted up to now, seen from a limit of so many within any hour. */
  usage(nowMs: number, issuesPerHour: number): SubmissionUsage {
    const last = this.#first("SELECT * FROM submissions ORDER BY ordinal DESC LIMIT 1");
    if (last === null) return { atMs: nowMs, lastHour: 0, today: 0, oldestAtMs: null, roomAtMs: null };
    const atMs = Math.max(nowMs, last.at_ms);
    const today = nextUtcDayMs(last.at_ms) === nextUtcDayMs(atMs) ? last.number_of_day : 0;
    const oldest = this.#first(
      "SELECT * FROM submissions WHERE at_ms > ? ORDER BY at_ms, ordinal LIMIT 1",
      atMs - hourMs,
    );
    if (oldest === null) return { atMs, lastHour: 0, today, oldestAtMs: null, roomAtMs: null };
    const lastHour = last.ordinal - oldest.ordinal + 1;
    const blocking =
      lastHour < issuesPerHour
        ? null
        : this.#first("SELECT * FROM submissions WHERE ordinal = ?", last.ordinal - issuesPerHour + 1);
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
    this.#sql.exec(
      `DELETE FROM submissions WHERE ordinal IN (
         SELECT ordinal FROM submissions WHERE at_ms <= ? AND ordinal < (SELECT MAX(ordinal) FROM submissions)
         ORDER BY at_ms LIMIT ${forgottenAtOnce}
       )`,
      atMs - hourMs,
    );
    this.#sql.exec(
      "INSERT INTO submissions (ordinal, at_ms, number_of_day) SELECT COALESCE(MAX(ordinal), 0) + 1, ?, ? FROM submissions",
      atMs,
      today + 1,
    );
  }

  #first(query: string, ...bindings: readonly number[]): SubmissionRow | null {
    return this.#sql.exec<SubmissionRow>(query, ...bindings).next().value ?? null;
  }
}
