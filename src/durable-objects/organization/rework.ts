/** Has the work behind a change done again, from where its workspace stands, because a review wants it different. */
import type { JsonValue } from "../../contracts/records.ts";
import { numericPriority } from "../../contracts/status.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { Change } from "./change.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { createJob, type NewJobParts } from "./new-job.ts";
import { withoutReplay } from "./replay-decision.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

/** `config` of a work job that the review agent sent back: what it said. It sends back once. */
const reviewNoteKey = "reviewNote";
/** `config` of a work job that a person sent back: what he wants changed. */
const requestedChangesKey = "requestedChanges";

export interface ReworkParts extends NewJobParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly workspaces: WorkspaceTable;
  readonly artifacts: ArtifactTable;
}

export interface ReworkOrder {
  /** The change that is not good enough. */
  readonly artifactId: string;
  readonly by: "review_agent" | "person";
  readonly note: string;
}

/** Whether the review agent has sent this work back already. */
export function isRevision(config: Readonly<Record<string, JsonValue>>): boolean {
  return reviewNoteKey in config;
}

/** The `config` of the work that follows. A person's wish begins a new round: the review agent may send back once more. */
function configOf(
  earlier: Readonly<Record<string, JsonValue>>,
  { by, note }: ReworkOrder,
): Readonly<Record<string, JsonValue>> {
  if (by === "review_agent") return { ...earlier, [reviewNoteKey]: note };
  const { [reviewNoteKey]: _answered, ...rest } = earlier;
  return { ...rest, [requestedChangesKey]: note };
}

/** Creates the job that does the work again; the job of the change counts no longer. */
export function rework(change: Change, parts: ReworkParts, order: ReworkOrder): void {
  const { issues, jobs, workspaces, artifacts } = parts;
  const earlier = jobs.find(artifacts.view(order.artifactId).artifact.jobId);
  if (earlier === null) throw new Error(`the job of artifact ${order.artifactId} is missing`);
  const { id, issueId, organizationId, role, agentType, model, modelReason, config } = earlier.record;
  const again = createJob(change, parts, {
    issueId,
    organizationId,
    priority: numericPriority[issues.get(issueId).priority],
    role,
    agentType,
    model,
    modelReason,
    config: configOf(withoutReplay(config), order),
    retryOf: id,
  });
  workspaces.copy(id, again.record.id);
  jobs.save({ ...again, workspaceBase: earlier.workspaceBase });
}
