/** What attempts did: each model call and tool call, numbered within its attempt. */
import type { IssuePart, StepPosition } from "../../contracts/organization-rpc.ts";
import type { StepRecord } from "../../contracts/records.ts";
import type { TokenUsage } from "../../core/money.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";
import { boundedItems } from "./bounded-part.ts";

export class StepTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Steps are numbered without gaps, so the last number is their count, and found without counting. */
  count(jobId: string, attempt: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT IFNULL(MAX(number), 0) AS n FROM steps WHERE job_id = ? AND attempt = ?",
        jobId,
        attempt,
      )
      .one().n;
  }

  /** Steps of the job's attempts before this one. */
  countEarlier(jobId: string, attempt: number): number {
    return this.#sql
      .exec<{ n: number }>("SELECT COUNT(*) AS n FROM steps WHERE job_id = ? AND attempt < ?", jobId, attempt)
      .one().n;
  }

  /** What the attempt's last model call used; null before the first. */
  lastUsage(jobId: string, attempt: number): TokenUsage | null {
    const row = this.#sql
      .exec<{ usage: string }>(
        `SELECT json_extract(record, '$.usage') AS usage FROM steps
         WHERE job_id = ? AND attempt = ? AND json_extract(record, '$.usage') IS NOT NULL ORDER BY number DESC LIMIT 1`,
        jobId,
        attempt,
      )
      .next().value;
    return row === undefined ? null : fromStoredJson<TokenUsage>(row.usage);
  }

  /** Tokens of all model calls of the job, cached or not. */
  countTokens(jobId: string): number {
    const tokens = ["inputTokens", "cacheWriteTokens", "cacheReadTokens", "outputTokens"]
      .map((kind) => `json_extract(record, '$.usage.${kind}')`)
      .join(" + ");
    return this.#sql
      .exec<{ n: number }>(`SELECT IFNULL(SUM(${tokens}), 0) AS n FROM steps WHERE job_id = ?`, jobId)
      .one().n;
  }

  countOfIssue(issueId: string): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM steps WHERE issue_id = ?", issueId).one().n;
  }

  save(issueId: string, step: StepRecord): void {
    this.#sql.exec(
      "INSERT INTO steps (job_id, attempt, number, issue_id, record) VALUES (?, ?, ?, ?, ?)",
      step.jobId,
      step.attempt,
      step.number,
      issueId,
      JSON.stringify(step),
    );
  }

  /** The issue's steps after a position, by job, attempt and number. */
  ofIssue(issueId: string, after: StepPosition | null, limit: number): IssuePart<StepRecord> {
    const rows = this.#sql.exec<{ record: string }>(
      `SELECT record FROM steps WHERE issue_id = ?1 AND (?2 IS NULL OR (job_id, attempt, number) > (?2, ?3, ?4))
       ORDER BY job_id, attempt, number`,
      issueId,
      after?.jobId ?? null,
      after?.attempt ?? null,
      after?.number ?? null,
    );
    return boundedItems(rows, limit, ({ record }) => [fromStoredJson<StepRecord>(record), record.length]);
  }

  /** The attempt's last steps, in order; of those before a step, if one is named. */
  last(jobId: string, attempt: number, most: number, before = Number.MAX_SAFE_INTEGER): readonly StepRecord[] {
    return this.#sql
      .exec<{ record: string }>(
        `SELECT record FROM steps WHERE job_id = ? AND attempt = ? AND number < ? ORDER BY number DESC ${boundLimit}`,
        jobId,
        attempt,
        before,
        most,
      )
      .toArray()
      .map(({ record }) => fromStoredJson<StepRecord>(record))
      .toReversed();
  }
}
