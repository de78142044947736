/** What an organization has spent by period, and what is set aside for model calls that are under way. */
import { type Period, type PeriodKind, periodAt } from "../../core/utc-periods.ts";
import type { StorageMemory } from "../storage-memory.ts";
import type { PeriodUse } from "./budget.ts";

export const budgetMigration = `
  CREATE TABLE spending (
    kind TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    committed_micro_usd INTEGER NOT NULL DEFAULT 0,
    smallest_refused_micro_usd INTEGER,
    alerted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, start_ms)
  ) WITHOUT ROWID;
  CREATE TABLE reservations (
    job_id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    step_number INTEGER NOT NULL,
    amount_micro_usd INTEGER NOT NULL,
    reserved_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  UPDATE jobs SET state = json_set(
    state,
    '$.ranForMs', 0,
    '$.sliceStartedAtMs', iif(json_extract(state, '$.leaseUntilMs') IS NULL, NULL, json_extract(state, '$.record.updatedAtMs'))
  );
`;

/** What is set aside for a model call. A job has one at most, because its slice makes one call at a time. */
export interface Reservation {
  readonly jobId: string;
  readonly issueId: string;
  readonly attempt: number;
  readonly stepNumber: number;
  readonly amountMicroUsd: number;
  /** Decides the periods that it counts in, also when it is committed in a later one. */
  readonly reservedAtMs: number;
}

type ReservationRow = {
  job_id: string;
  issue_id: string;
  attempt: number;
  step_number: number;
  amount_micro_usd: number;
  reserved_at_ms: number;
};

/** What one period holds, without its limit. */
type PeriodSpending = Omit<PeriodUse, "limitMicroUsd">;

export interface Spending {
  readonly day: PeriodSpending;
  readonly month: PeriodSpending;
}

type SpendingRow = {
  [Column in `${PeriodKind}_${"committed" | "reserved" | "refused"}`]: number | null;
};

const committedIn = (kind: PeriodKind, start: string): string =>
  `(SELECT committed_micro_usd FROM spending WHERE kind = '${kind}' AND start_ms = ${start}) AS ${kind}_committed,
   (SELECT smallest_refused_micro_usd FROM spending WHERE kind = '${kind}' AND start_ms = ${start}) AS ${kind}_refused`;
const reservedIn = (kind: PeriodKind, start: string, end: string): string =>
  `(SELECT SUM(amount_micro_usd) FROM reservations WHERE reserved_at_ms >= ${start} AND reserved_at_ms < ${end})
   AS ${kind}_reserved`;
const spendingQuery = `SELECT ${committedIn("day", "?1")}, ${reservedIn("day", "?1", "?2")},
  ${committedIn("month", "?3")}, ${reservedIn("month", "?3", "?4")}`;

function isWithin({ startMs, endMs }: Period, atMs: number): boolean {
  return startMs <= atMs && atMs < endMs;
}

const periodKinds: readonly PeriodKind[] = ["day", "month"];

export class BudgetTable {
  readonly #sql: SqlStorage;
  /** What was asked for last; null when anything has been spent or set aside since. */
  #spending: Spending | null = null;

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    memory.keep({ forget: () => (this.#spending = null) });
  }

  find(jobId: string): Reservation | null {
    const row = this.#sql.exec<ReservationRow>("SELECT * FROM reservations WHERE job_id = ?", jobId).next().value;
    if (row === undefined) return null;
    return {
      jobId: row.job_id,
      issueId: row.issue_id,
      attempt: row.attempt,
      stepNumber: row.step_number,
      amountMicroUsd: row.amount_micro_usd,
      reservedAtMs: row.reserved_at_ms,
    };
  }

  open(reservation: Reservation): void {
    this.#spending = null;
    this.#sql.exec(
      `INSERT INTO reservations (job_id, issue_id, attempt, step_number, amount_micro_usd, reserved_at_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
      reservation.jobId,
      reservation.issueId,
      reservation.attempt,
      reservation.stepNumber,
      reservation.amountMicroUsd,
      reservation.reservedAtMs,
    );
  }

  close(jobId: string): void {
    this.#spending = null;
    this.#sql.exec("DELETE FROM reservations WHERE job_id = ?", jobId);
  }

  reservedOfIssue(issueId: string): number {
    const query = "SELECT SUM(amount_micro_usd) AS sum FROM reservations WHERE issue_id = ?";
    return this.#sql.exec<{ sum: number | null }>(query, issueId).one().sum ?? 0;
  }

  /** What the day and the month hold that the time lies in; remembered, because every change asks. */
  spendingAt(atMs: number): Spending {
    const known = this.#spending;
    if (known !== null && isWithin(known.day.period, atMs)) return known;
    this.#spending = this.#readSpending(atMs);
    return this.#spending;
  }

  #readSpending(atMs: number): Spending {
    const day = periodAt("day", atMs);
    const month = periodAt("month", atMs);
    const row = this.#sql.exec<SpendingRow>(spendingQuery, day.startMs, day.endMs, month.startMs, month.endMs).one();
    return {
      day: {
        period: day,
        committedMicroUsd: row.day_committed ?? 0,
        reservedMicroUsd: row.day_reserved ?? 0,
        smallestRefusedMicroUsd: row.day_refused,
      },
      month: {
        period: month,
        committedMicroUsd: row.month_committed ?? 0,
        reservedMicroUsd: row.month_reserved ?? 0,
        smallestRefusedMicroUsd: row.month_refused,
      },
    };
  }

  /** Adds a cost to the day and the month that the time lies in. */
  commit(costMicroUsd: number, atMs: number): void {
    this.#spending = null;
    for (const kind of periodKinds) {
      this.#sql.exec(
        `INSERT INTO spending (kind, start_ms, committed_micro_usd) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, start_ms) DO UPDATE SET committed_micro_usd = committed_micro_usd + ?3`,
        kind,
        periodAt(kind, atMs).startMs,
        costMicroUsd,
      );
    }
  }

  /** Remembers that a period had no room for a call. */
  noteRefusal({ kind, startMs }: Period, amountMicroUsd: number): void {
    this.#spending = null;
    this.#sql.exec(
      `INSERT INTO spending (kind, start_ms, smallest_refused_micro_usd) VALUES (?1, ?2, ?3)
       ON CONFLICT (kind, start_ms) DO UPDATE SET
         smallest_refused_micro_usd = MIN(?3, IFNULL(smallest_refused_micro_usd, ?3))`,
      kind,
      startMs,
      amountMicroUsd,
    );
  }

  /** Marks the period as told of; false when it was before. */
  markAlerted({ kind, startMs }: Period): boolean {
    const { rowsWritten } = this.#sql.exec(
      "UPDATE spending SET alerted = 1 WHERE kind = ? AND start_ms = ? AND alerted = 0",
      kind,
      startMs,
    );
    return rowsWritten > 0;
  }
}
