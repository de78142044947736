import type { JobError, JsonValue } from "../../contracts/records.ts";
import {
  isLegalJobTransition,
  isTerminalJobStatus,
  type JobStatus,
  type PausedReason,
} from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import type { JobState } from "./job-state.ts";

interface JobMoveDetail {
  readonly error?: JobError | null;
  readonly result?: JsonValue | null;
}

export type JobMove = JobMoveDetail &
  (
    | { readonly status: Exclude<JobStatus, "PAUSED"> }
    | { readonly status: "PAUSED"; readonly pausedReason: PausedReason }
  );

/**
 * The job in another status, with the event that tells of it; the caller stores it. Throws on a move that the table
 * of transitions does not have.
 */
export function moveJob(change: Change, job: JobState, move: JobMove): JobState {
  const { record } = job;
  if (!isLegalJobTransition(record.status, move.status)) {
    throw new Error(`job ${record.id} cannot go from ${record.status} to ${move.status}`);
  }
  const moved: JobState = {
    ...job,
    record: {
      ...record,
      status: move.status,
      pausedReason: move.status === "PAUSED" ? move.pausedReason : null,
      error: move.error === undefined ? record.error : move.error,
      result: move.result === undefined ? record.result : move.result,
      startedAtMs: record.startedAtMs ?? (move.status === "RUNNING" ? change.nowMs : null),
      completedAtMs: isTerminalJobStatus(move.status) ? change.nowMs : null,
      updatedAtMs: change.nowMs,
    },
  };
  const { status, pausedReason, attempts, startedAtMs, completedAtMs, error, result } = moved.record;
  change.append({
    type: "job.status_changed",
    issueId: record.issueId,
    jobId: record.id,
    data: { from: record.status, status, pausedReason, attempts, startedAtMs, completedAtMs, error, result },
  });
  return moved;
}
