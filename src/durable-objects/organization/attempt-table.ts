/** Attempts of jobs: what each began with, and its transcript. */
import type { AttemptPrompt } from "../../contracts/organization-rpc.ts";
import { wordsOf } from "../../contracts/transcript-words.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

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

  /** What the agent said last in an attempt, looked for in the latest messages; empty when it said nothing. */
  lastWords(jobId: string, attempt: number): string {
    const latest = this.#sql.exec<{ message: string }>(
      "SELECT message FROM messages WHERE job_id = ? AND attempt = ? ORDER BY position DESC LIMIT 100",
      jobId,
      attempt,
    );
    for (const { message } of latest) {
      const words = wordsOf(message).trim();
      if (words !== "") return words;
    }
    return "";
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
}
