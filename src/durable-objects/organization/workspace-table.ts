/** The files that jobs changed, each with its earlier versions. */
import type { WorkspaceChange } from "../../contracts/records.ts";
import type { BeforeStep } from "./attempt-table.ts";

/** Larger than the number of any step: versions of files are ordered by attempt and step. */
const stepsOfAttempt = 1_000_000;
/** With `GROUP BY path`, SQLite takes the other columns from the row that has the greatest. */
const latestVersion = `MAX(attempt * ${stepsOfAttempt} + after_step)`;

export class WorkspaceTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  of(jobId: string): readonly WorkspaceChange[] {
    return this.#sql
      .exec<{ path: string; content: string | null }>(
        `SELECT path, content, ${latestVersion} FROM workspace_versions WHERE job_id = ? GROUP BY path ORDER BY path`,
        jobId,
      )
      .toArray()
      .map(({ path, content }) => ({ path, content }));
  }

  /** Keeps files beside their earlier versions, as those that came with so many steps of an attempt. */
  save(
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
  copy(fromJobId: string, toJobId: string, before: Omit<BeforeStep, "jobId"> | null = null): void {
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
