/** Lets go of what Postgres has held long enough: events first, then the finished issues that no kept event tells of. */
import type { Transaction } from "../transactions.ts";
import type { Archive } from "./archive.ts";
import type { EventLog } from "./event-log.ts";

const deadlineName = "prune";
/** What is projected within one of so many parts of the retention time is pruned together. */
const marksKept = 168;
const eventsAtOnce = 1_000;
const issuesAtOnce = 10;

/** `seq` was projected so long before `due_at_ms` as projected events are kept. */
export const retentionMigration = `
  CREATE TABLE projection_marks (due_at_ms INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
`;

export interface RetentionParts {
  readonly sql: SqlStorage;
  readonly log: EventLog;
  readonly archive: Archive;
  /** How long an event is kept after it was projected. */
  readonly keepProjectedMs: number;
}

export class Retention {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Notes that Postgres holds the events up to `seq`. */
  noteProjected({ nowMs, deadlines }: Transaction, seq: number): void {
    const { sql, log, keepProjectedMs } = this.#parts;
    if (seq <= log.prunedSeq()) return;
    const markMs = Math.ceil(keepProjectedMs / marksKept);
    const dueAtMs = Math.ceil(nowMs / markMs) * markMs + keepProjectedMs;
    sql.exec(
      `INSERT INTO projection_marks (due_at_ms, seq) VALUES (?, ?)
       ON CONFLICT (due_at_ms) DO UPDATE SET seq = MAX(seq, excluded.seq)`,
      dueAtMs,
      seq,
    );
    if (deadlines.get(deadlineName) === null) deadlines.set(deadlineName, dueAtMs);
  }

  /** Has an issue that came back leave again, unless something happens to it before. */
  noteRestored({ nowMs, deadlines }: Transaction): void {
    const dueAtMs = nowMs + Math.ceil(this.#parts.keepProjectedMs / marksKept);
    const known = deadlines.get(deadlineName);
    if (known === null || known.dueAtMs > dueAtMs) deadlines.set(deadlineName, dueAtMs);
  }

  /** Deletes a bounded part of what is due, and comes back at once for more, or when the next is due. */
  prune({ nowMs, deadlines }: Transaction): void {
    const { sql, log, archive } = this.#parts;
    const { seq } = sql
      .exec<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM projection_marks WHERE due_at_ms <= ?", nowMs)
      .one();
    if (seq !== null) log.prune(seq, eventsAtOnce);
    const isPruned = seq === null || log.prunedSeq() >= seq;
    if (isPruned) sql.exec("DELETE FROM projection_marks WHERE due_at_ms <= ?", nowMs);
    const leaving = isPruned ? archive.leaving(log.prunedSeq(), issuesAtOnce) : [];
    for (const issueId of leaving) archive.remove(issueId);

    const hasMore = !isPruned || leaving.length === issuesAtOnce;
    const dueAtMs = hasMore ? nowMs : this.#nextDueAtMs();
    if (dueAtMs !== null) deadlines.set(deadlineName, dueAtMs);
  }

  #nextDueAtMs(): number | null {
    return this.#parts.sql.exec<{ due: number | null }>("SELECT MIN(due_at_ms) AS due FROM projection_marks").one().due;
  }
}
