/** A job as its object keeps it, for tests of pure decisions. */
import type { JobRecord } from "../../src/contracts/records.ts";
import type { JobState } from "../../src/durable-objects/organization/job-state.ts";

export function jobStateOf(record: Partial<JobRecord> = {}, state: Partial<Omit<JobState, "record">> = {}): JobState {
  return {
    record: {
      id: "job_1",
      issueId: "iss_1",
      organizationId: "org_1",
      role: "work",
      agentType: "briefs.status-workflow",
      model: "sonnet",
      modelReason: "test",
      status: "PENDING",
      pausedReason: null,
      priority: 5,
      attempts: 0,
      maxAttempts: 3,
      startedAtMs: null,
      completedAtMs: null,
      error: null,
      config: {},
      result: null,
      retryOf: null,
      costMicroUsd: 0,
      createdAtMs: 0,
      updatedAtMs: 0,
      ...record,
    },
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
    ...state,
  };
}
