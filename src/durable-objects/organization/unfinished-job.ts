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
 * The job at its end, without slice and slot; the caller stores it. What it has come to is kept first, because nothing
 * follows the end; its transcript and files as of the last checkpoint say what that is.
 */
export function endUnfinished(
  change: Change,
  { attempts, workspaces, artifacts, dispatcher }: UnfinishedJobParts,
  job: JobState,
  end: UnfinishedEnd,
  openCall: "commit" | "keep" = "commit",
): JobState {
  const { id, role, attempts: attempt, startedAtMs } = job.record;
  if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${id}`);
  if (role === "work" && startedAtMs !== null) {
    const words = attempts.lastWords(id, attempt);
    const draft = partialArtifact({ reason: end.error.reason, words, files: workspaces.changed(id) });
    if (draft !== null) createArtifact(change, artifacts, job.record, draft);
  }
  return moveJob(change, dispatcher.release(change, job, openCall), end);
}
