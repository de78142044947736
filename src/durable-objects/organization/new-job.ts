import type { JobRecord, JsonValue } from "../../contracts/records.ts";
import type { FirstJob } from "./admission.ts";
import type { BudgetDesk } from "./budget-desk.ts";
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
  return idleJob(record);
}

/** The state of a job that nobody works on and nothing holds back. */
export function idleJob(record: JobRecord): JobState {
  return {
    record,
    readyAtMs: 0,
    slot: null,
    dispatch: null,
    everDispatched: false,
    epoch: 0,
    leaseUntilMs: null,
    signal: null,
    settleUntilMs: null,
    lostSlices: 0,
    ranForMs: 0,
    sliceStartedAtMs: null,
    attemptOpen: false,
    transientFailures: 0,
    transientSinceMs: null,
    steplessCheckpointHash: null,
    workspaceBase: null,
  };
}

export interface NewJobParts {
  readonly jobs: JobTable;
  readonly budget: Pick<BudgetDesk, "modelFor">;
}

/** Stores a new job of an issue and tells of it; when money is short, it runs on a cheaper model. */
export function createJob(change: Change, { jobs, budget }: NewJobParts, order: JobOrder): JobState {
  const job = newJob({ ...order, ...budget.modelFor(order, change.nowMs) }, change);
  jobs.add(job);
  change.append({ type: "job.created", issueId: order.issueId, jobId: job.record.id, data: { job: job.record } });
  return job;
}
