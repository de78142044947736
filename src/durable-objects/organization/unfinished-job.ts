/** Ends a job before its work is done, whoever ends it: a slice, a command, or time alone. */
import type { JobError } from "../../contracts/records.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { AttemptTable } from "./attempt-table.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { JobState } from "./job-state.ts";
import { moveJob } from "./job-moves.ts";
import { partialArtifact } from "./partial-work.ts";
import { createArtifact } from "./slices.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

export interface UnfinishedJobParts {
  readonly attempts: AttemptTable;
  readonly workspaces: WorkspaceTable;
  readonly artifacts: ArtifactTable;
  readonly dispatcher: Dispatcher;
}

export interface UnfinishedEnd {
  readonly status: "FAILED" | "CANCELLED";
  readonly error: JobError;
}

/**
 * Keeps what a job has come to that is about to end for this reason: its transcript and files as of the last checkpoint say
 * what that is. Called before anything tells of the end, because nothing follows that.
 */
export function keepUnfinished(
  change: Change,
  { attempts, workspaces, artifacts }: Omit<UnfinishedJobParts, "dispatcher">,
  { record }: JobState,
  reason: string,
): void {
  const { id, role, attempts: attempt, startedAtMs } = record;
  if (role !== "work" || startedAtMs === null) return;
  const words = attempts.lastWords(id, attempt);
  const draft = partialArtifact({ reason, words, files: workspaces.changed(id) });
  if (draft !== null) createArtifact(change, artifacts, record, draft);
}

/** The job at its end, without slice and slot, and with what it has come to kept; the caller stores it. */
export function endUnfinished(change: Change, parts: UnfinishedJobParts, job: JobState, end: UnfinishedEnd): JobState {
  keepUnfinished(change, parts, job, end.error.reason);
  if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${job.record.id}`);
  return moveJob(change, parts.dispatcher.release(change, job), end);
}
