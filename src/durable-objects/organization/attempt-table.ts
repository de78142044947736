/** Transcripts, steps and workspaces of jobs. */
import type { AttemptPrompt, IssuePart, StepPosition } from "../../contracts/organization-rpc.ts";
import type { StepRecord, WorkspaceChange } from "../../contracts/records.ts";
import type { TokenUsage } from "../../core/money.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";
import { boundedItems } from "./bounded-part.ts";

/**
 * What an attempt can be cut by: how many of its steps were recorded when a message or a file came. Messages from before
 * that was kept do not say; files from before came before everything.
 */
export const replayMigration = `
  ALTER TABLE messages ADD COLUMN after_step INTEGER;
  CREATE TABLE workspace_versions (
    job_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    after_step INTEGER NOT NULL,
    content TEXT,
    PRIMARY KEY (job_id, path, attempt, after_step)
  ) WITHOUT ROWID;
  INSERT INTO workspace_versions (job_id, path, attempt, after_step, content)
    SELECT job_id, path, 0, 0, content FROM workspace_files;
  DROP TABLE workspace_files;
`;

/** Larger than the number of any step: versions of files are ordered by attempt and step. */
const stepsOfAttempt = 1_000_000;
/** With `GROUP BY path`, SQLite takes the other columns from the row that has the greatest. */
const latestVersion = `MAX(attempt * ${stepsOfAttempt} + after_step)`;

/** A place in an attempt: what was recorded before this step. */
export interface BeforeStep {
  readonly jobId: string;
  readonly attempt: number;
  readonly step: number;
}

/** A message of a transcript, with the number of steps that were recorded by then. */
export interface StoredMessage {
  readonly position: number;
  readonly afterStep: number | null;
  readonly message: string;
}

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

  /** Messages after a position, in order. */
  messagesAfter(jobId: string, attempt: number, position: number, most: number): readonly StoredMessage[] {
    return this.#sql
      .exec<{ position: number; after_step: number | null; message: string }>(
        `SELECT position, after_step, message FROM messages
         WHERE job_id = ? AND attempt = ? AND position > ? ORDER BY position ${boundLimit}`,
        jobId,
        attempt,
        position,
        most,
      )
      .toArray()
      .map(({ position: at, after_step: afterStep, message }) => ({ position: at, afterStep, message }));
  }

  /** Appends messages that came when so many steps of the attempt were recorded. */
  appendMessages(jobId: string, attempt: number, afterStep: number, messages: readonly string[]): void {
    for (const message of messages) {
      this.#sql.exec(
        `INSERT INTO messages (job_id, attempt, position, after_step, message)
         SELECT ?1, ?2, IFNULL(MAX(position), 0) + 1, ?3, ?4 FROM messages WHERE job_id = ?1 AND attempt = ?2`,
        jobId,
        attempt,
        afterStep,
        message,
      );
    }
  }

  /** Whether every message of the attempt says at which step it came. */
  isCuttable(jobId: string, attempt: number): boolean {
    const { n } = this.#sql
      .exec<{ n: number }>(
        "SELECT COUNT(*) AS n FROM messages WHERE job_id = ? AND attempt = ? AND after_step IS NULL",
        jobId,
        attempt,
      )
      .one();
    return n === 0;
  }

  /** Begins an attempt of another job with the transcript as it was before a step. */
  copyMessages(from: BeforeStep, to: { readonly jobId: string; readonly attempt: number }): void {
    this.#sql.exec(
      `INSERT INTO messages (job_id, attempt, position, after_step, message)
       SELECT ?, ?, position, 0, message FROM messages WHERE job_id = ? AND attempt = ? AND after_step < ?`,
      to.jobId,
      to.attempt,
      from.jobId,
      from.attempt,
      from.step,
    );
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

  /** The issue's steps after a position, by job, attempt and number. */
  stepsOfIssue(issueId: string, after: StepPosition | null, limit: number): IssuePart<StepRecord> {
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
  lastSteps(jobId: string, attempt: number, most: number, before = stepsOfAttempt): readonly StepRecord[] {
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

  workspace(jobId: string): readonly WorkspaceChange[] {
    return this.#sql
      .exec<{ path: string; content: string | null }>(
        `SELECT path, content, ${latestVersion} FROM workspace_versions WHERE job_id = ? GROUP BY path ORDER BY path`,
        jobId,
      )
      .toArray()
      .map(({ path, content }) => ({ path, content }));
  }

  /** Keeps files beside their earlier versions, as those that came with so many steps of an attempt. */
  saveWorkspace(
    { jobId, attempt, afterStep }: { readonly jobId: string; readonly attempt: number; readonly afterStep: number },
    changes: readonly WorkspaceChange[],
  ): void {
    for (const { path, content } of changes) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO workspace_versions (job_id, path, attempt, after_step, content) VALUES (?, ?, ?, ?, ?)",
        jobId,
        path,
        attempt,
        afterStep,
        content,
      );
    }
  }

  /** Gives a job the workspace that another one left, or had before a step. */
  copyWorkspace(fromJobId: string, toJobId: string, before: Omit<BeforeStep, "jobId"> | null = null): void {
    const until = before === null ? Number.MAX_SAFE_INTEGER : before.attempt * stepsOfAttempt + before.step;
    this.#sql.exec(
      `INSERT INTO workspace_versions (job_id, path, attempt, after_step, content)
       SELECT ?1, path, 0, 0, content FROM (
         SELECT path, content, ${latestVersion} FROM workspace_versions
         WHERE job_id = ?2 AND attempt * ${stepsOfAttempt} + after_step < ?3 GROUP BY path
       )`,
      toJobId,
      fromJobId,
      until,
    );
  }
}
