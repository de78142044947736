/** A job as its organization's object keeps it: the record that others see, and what schedules it. */
import type { ControlSignal } from "../../contracts/organization-rpc.ts";
import type { ModelName } from "../../contracts/models.ts";
import type { JobRecord } from "../../contracts/records.ts";

export interface JobSlot {
  readonly slotId: string;
  /** Picks the queue lane. */
  readonly slotNumber: number;
}

/** How long after a cancellation the aborted call may still be settled. */
export const settlementWindowMs = 15_000;

/** `pause` and `yield` wait for the next checkpoint; `cancel` and `abort` say what ended the job while a slice ran it. */
type JobSignal = "pause" | "yield" | "cancel" | "abort";

export interface JobState {
  readonly record: JobRecord;
  /** Earliest time of its next dispatch; 0 when it has not to wait, whatever the clock of its machine says. */
  readonly readyAtMs: number;
  readonly slot: JobSlot | null;
  /** The last sending to a queue, until it no longer counts. */
  readonly dispatch: { readonly dispatchId: string; readonly claimed: boolean } | null;
  readonly everDispatched: boolean;
  /** Epoch of the last claim; the next claim mints the next one. */
  readonly epoch: number;
  /** End of the lease of the slice that runs now; null while none does. */
  readonly leaseUntilMs: number | null;
  /** What the slice of the last epoch is told, kept so that whoever listens next hears it too. */
  readonly signal: JobSignal | null;
  /** Until when the call that a cancellation aborted may be settled; null when there is nothing left to settle. */
  readonly settleUntilMs: number | null;
  /** Slices that fell silent since the last new checkpoint. */
  readonly lostSlices: number;
  /** How long earlier slices ran, and when the one that runs now began. */
  readonly ranForMs: number;
  readonly sliceStartedAtMs: number | null;
  /** Whether the attempt that `record.attempts` counts goes on. */
  readonly attemptOpen: boolean;
  /** Transient failures since the last accepted step, and when the first of them came. */
  readonly transientFailures: number;
  readonly transientSinceMs: number | null;
  /** The model that it goes over to if its own stays out of reach, told with its last failure; absent before the first. */
  readonly fallbackModel?: ModelName | null;
  /** Version of the agent's definition that the last attempt began with; absent before the first. */
  readonly agentVersion?: string;
  /** Hash of the last accepted checkpoint that had no step to be known by. */
  readonly steplessCheckpointHash: string | null;
  /** Commit and branch that the workspace was made over; null before there is one. */
  readonly workspaceBase: { readonly commit: string; readonly branch: string } | null;
}

/** Gives what was stored before jobs could be told anything the fields that it lacks. */
export const controlMigration = `
  UPDATE jobs SET state = json_set(
    state, '$.signal', NULL, '$.settleUntilMs', NULL, '$.lostSlices', 0, '$.record.pausedReason', NULL);
  UPDATE effects SET state = json_set(state, '$.record.redriveOf', NULL);
  CREATE INDEX jobs_running ON jobs (id) WHERE status = 'RUNNING';
`;

/** How long slices of the job have run; a slice that fell silent counts to the end of its lease. */
export function ranForMs(job: JobState, nowMs: number): number {
  const { sliceStartedAtMs, leaseUntilMs } = job;
  if (sliceStartedAtMs === null) return job.ranForMs;
  return job.ranForMs + Math.max(0, Math.min(nowMs, leaseUntilMs ?? nowMs) - sliceStartedAtMs);
}

/** Whether this epoch holds the job: the last one claimed, by a slice whose lease has not been ended. */
export function holdsEpoch(job: JobState, epoch: number): boolean {
  return job.epoch === epoch && job.leaseUntilMs !== null;
}

/** What the slice of an epoch is told now. */
export function signalFor(job: JobState | null, epoch: number): ControlSignal["kind"] {
  if (job === null || job.epoch !== epoch) return "stale";
  if (job.record.status === "CANCELLED") return job.signal ?? "stale";
  return job.leaseUntilMs === null ? "stale" : (job.signal ?? "none");
}

/** Whether an epoch may settle a call now: it holds the job, or held it when it was cancelled a moment ago. */
export function maySettle(job: JobState, epoch: number, nowMs: number): boolean {
  return holdsEpoch(job, epoch) || (job.epoch === epoch && job.settleUntilMs !== null && nowMs <= job.settleUntilMs);
}
