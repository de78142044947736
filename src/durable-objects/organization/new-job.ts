import type { JobRecord, JsonValue } from "../../contracts/records.ts";
import type { FirstJob } from "./admission.ts";
import type { Change } from "./change.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";

const defaultMaxAttempts = 3;

export interface JobOrder extends FirstJob {
  readonly issueId: string;
  readonly organizationId: string;
  readonly priority: number;
  readonly config: Readonly<Record<string, JsonValue>>;
  readonly retryOf: string | null;
}

/** A job that waits for its first slot; neither stored nor told of yet. */
function newJob(order: JobOrder, { newId, nowMs }: Change): JobState {
  const record: JobRecord = {
    ...order,
    id: newId("job"),
    status: "PENDING",
    pausedReason: null,
    attempts: 0,
    maxAttempts: defaultMaxAttempts,
    startedAtMs: null,
    completedAtMs: null,
    error: null,
    config: { ...order.config },
    result: null,
    costMicroUsd: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  return {
    record,
    readyAtMs: nowMs,
    slot: null,
    dispatch: null,
    everDispatched: false,
    epoch: 0,
    leaseUntilMs: null,
    signal: null,
    settleUntilMs: null,
    lostSlices: 0,
    attemptOpen: false,
    transientFailures: 0,
    transientSinceMs: null,
    steplessCheckpointHash: null,
    workspaceBase: null,
  };
}

/** Stores a new job of an issue and tells of it. */
export function createJob(change: Change, jobs: JobTable, order: JobOrder): JobState {
  const job = newJob(order, change);
  jobs.save(job);
  change.append({ type: "job.created", issueId: order.issueId, jobId: job.record.id, data: { job: job.record } });
  return job;
}
