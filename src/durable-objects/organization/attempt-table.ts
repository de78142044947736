/** Transcripts, steps and workspaces of jobs. */
import type { AttemptPrompt } from "../../contracts/organization-rpc.ts";
import type { StepRecord, WorkspaceChange } from "../../contracts/records.ts";
import type { TokenUsage } from "../../core/money.ts";
import { fromStoredJson } from "../stored-json.ts";

export class AttemptTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  findPrompt(jobId: string, attempt: number): AttemptPrompt | null {
    const row = this.#sql
      .exec<{ prompt: string }>("SELECT prompt FROM attempts WHERE job_id = ? AND attempt = ?", jobId, attempt)
      .next().value;
    return row === undefined ? null : fromStoredJson<AttemptPrompt>(row.prompt);
  }

  savePrompt(jobId: string, attempt: number, prompt: AttemptPrompt): void {
    this.#sql.exec(
      "INSERT INTO attempts (job_id, attempt, prompt) VALUES (?, ?, ?)",
      jobId,
      attempt,
      JSON.stringify(prompt),
    );
  }

  messages(jobId: string, attempt: number): readonly string[] {
    return this.#sql
      .exec<{ message: string }>(
        "SELECT message FROM messages WHERE job_id = ? AND attempt = ? ORDER BY position",
        jobId,
        attempt,
      )
      .toArray()
      .map(({ message }) => message);
  }

  appendMessages(jobId: string, attempt: number, messages: readonly string[]): void {
    for (const message of messages) {
      this.#sql.exec(
        `INSERT INTO messages (job_id, attempt, position, message)
         SELECT ?1, ?2, IFNULL(MAX(position), 0) + 1, ?3 FROM messages WHERE job_id = ?1 AND attempt = ?2`,
        jobId,
        attempt,
        message,
      );
    }
  }

  /** Steps are numbered without gaps, so the last number is their count, and found without counting. */
  countSteps(jobId: string, attempt: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT IFNULL(MAX(number), 0) AS n FROM steps WHERE job_id = ? AND attempt = ?",
        jobId,
        attempt,
      )
      .one().n;
  }

  /** Steps of the job's attempts before this one. */
  countEarlierSteps(jobId: string, attempt: number): number {
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

  countStepsOfIssue(issueId: string): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM steps WHERE issue_id = ?", issueId).one().n;
  }

  saveStep(issueId: string, step: StepRecord): void {
    this.#sql.exec(
      "INSERT INTO steps (job_id, attempt, number, issue_id, record) VALUES (?, ?, ?, ?, ?)",
      step.jobId,
      step.attempt,
      step.number,
      issueId,
      JSON.stringify(step),
    );
  }

  /** The issue's steps, in the order they were recorded. */
  stepsOfIssue(issueId: string): readonly StepRecord[] {
    return this.#sql
      .exec<{ record: string }>("SELECT record FROM steps WHERE issue_id = ? ORDER BY rowid", issueId)
      .toArray()
      .map(({ record }) => fromStoredJson<StepRecord>(record));
  }

  /** The attempt's last steps, in order. */
  lastSteps(jobId: string, attempt: number, most: number): readonly StepRecord[] {
    return this.#sql
      .exec<{ record: string }>(
        "SELECT record FROM steps WHERE job_id = ? AND attempt = ? ORDER BY number DESC LIMIT ?",
        jobId,
        attempt,
        most,
      )
      .toArray()
      .map(({ record }) => fromStoredJson<StepRecord>(record))
      .toReversed();
  }

  workspace(jobId: string): readonly WorkspaceChange[] {
    return this.#sql
      .exec<{ path: string; content: string | null }>(
        "SELECT path, content FROM workspace_files WHERE job_id = ? ORDER BY path",
        jobId,
      )
      .toArray();
  }

  saveWorkspace(jobId: string, changes: readonly WorkspaceChange[]): void {
    for (const { path, content } of changes) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO workspace_files (job_id, path, content) VALUES (?, ?, ?)",
        jobId,
        path,
        content,
      );
    }
  }

  /** Gives a job the workspace that another one left. */
  copyWorkspace(fromJobId: string, toJobId: string): void {
    this.#sql.exec(
      "INSERT INTO workspace_files (job_id, path, content) SELECT ?, path, content FROM workspace_files WHERE job_id = ?",
      toJobId,
      fromJobId,
    );
  }
}
