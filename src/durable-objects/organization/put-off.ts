/** Work that starts no earlier than its submission says. */
import type { IssueRecord } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";

export function isPutOff(notBeforeMs: number | null, nowMs: number): notBeforeMs is number {
  return notBeforeMs !== null && notBeforeMs > nowMs;
}

/** Lets the issue's first job start no earlier than it should. */
export function putOff(change: Change, jobs: JobTable, { id, notBeforeMs }: IssueRecord, job: JobState): void {
  if (!isPutOff(notBeforeMs, change.nowMs)) return;
  jobs.save({ ...job, readyAtMs: notBeforeMs });
  change.deadlines.set(`not-before:${id}`, notBeforeMs);
}

/** Lets the issue's jobs start from now on, whatever a clock that runs back may say later. */
export function endPutOff(change: Change, jobs: JobTable, { id, notBeforeMs }: IssueRecord): void {
  for (const job of jobs.ofIssue(id)) if (job.readyAtMs === notBeforeMs) jobs.save({ ...job, readyAtMs: 0 });
  change.touch(id);
}
