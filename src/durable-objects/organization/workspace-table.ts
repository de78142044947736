/** The files that jobs changed, each with its earlier versions. */
import type { FileDifference, SavedFile, WorkspaceChange } from "../../contracts/records.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { BeforeStep } from "./attempt-table.ts";
import type { ChangedFile } from "./partial-work.ts";

/** How each version of a file differs from the base commit, as JSON; versions from before that was kept do not say. */
export const differencesMigration = `
  ALTER TABLE workspace_versions ADD COLUMN difference TEXT;
`;

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

  /** The job's files that differ from the base commit, by path, as far as that is known. */
  changed(jobId: string): readonly ChangedFile[] {
    return this.#sql
      .exec<{ path: string; difference: string | null }>(
        `SELECT path, difference, ${latestVersion} FROM workspace_versions WHERE job_id = ? GROUP BY path ORDER BY path`,
        jobId,
      )
      .toArray()
      .flatMap(({ path, difference: stored }): readonly ChangedFile[] => {
        if (stored === null) return [{ path, difference: null }];
        const difference = fromStoredJson<FileDifference | null>(stored);
        return difference === null ? [] : [{ path, difference }];
      });
  }

  /** Keeps files beside their earlier versions, as those that came with so many steps of an attempt. */
  save(
    { jobId, attempt, afterStep }: { readonly jobId: string; readonly attempt: number; readonly afterStep: number },
    changes: readonly SavedFile[],
  ): void {
    for (const { path, content, difference } of changes) {
      this.#sql.exec(
        `INSERT OR REPLACE INTO workspace_versions (job_id, path, attempt, after_step, content, difference)
         VALUES (?, ?, ?, ?, ?, ?)`,
        jobId,
        path,
        attempt,
        afterStep,
        content,
        difference === undefined ? null : JSON.stringify(difference),
      );
    }
  }

  /** Gives a job the workspace that another one left, or had before a step. */
  copy(fromJobId: string, toJobId: string, before: Omit<BeforeStep, "jobId"> | null = null): void {
    const until = before === null ? Number.MAX_SAFE_INTEGER : before.attempt * stepsOfAttempt + before.step;
    this.#sql.exec(
      `INSERT INTO workspace_versions (job_id, path, attempt, after_step, content, difference)
       SELECT ?1, path, 0, 0, content, difference FROM (
         SELECT path, content, difference, ${latestVersion} FROM workspace_versions
         WHERE job_id = ?2 AND attempt * ${stepsOfAttempt} + after_step < ?3 GROUP BY path
       )`,
      toJobId,
      fromJobId,
      until,
    );
  }
}
