/** A job as its organization's object keeps it: the record that others see, and what schedules it. */
import type { JobRecord } from "../../contracts/records.ts";

export interface JobSlot {
  readonly slotId: string;
  /** Picks the queue lane. */
  readonly slotNumber: number;
}

export interface JobState {
  readonly record: JobRecord;
  /** Earliest time of its next dispatch. */
  readonly readyAtMs: number;
  readonly slot: JobSlot | null;
  /** The last sending to a queue, until it no longer counts. */
  readonly dispatch: { readonly dispatchId: string; readonly claimed: boolean } | null;
  readonly everDispatched: boolean;
  /** Epoch of the last claim; the next claim mints the next one. */
  readonly epoch: number;
  /** End of the lease of the slice that runs now; null while none does. */
  readonly leaseUntilMs: number | null;
  /** Whether the attempt that `record.attempts` counts goes on. */
  readonly attemptOpen: boolean;
  /** Transient failures since the last accepted step, and when the first of them came. */
  readonly transientFailures: number;
  readonly transientSinceMs: number | null;
  /** Hash of the last accepted checkpoint that had no step to be known by. */
  readonly steplessCheckpointHash: string | null;
  /** Commit and branch that the workspace was made over; null before there is one. */
  readonly workspaceBase: { readonly commit: string; readonly branch: string } | null;
}

/** Whether this epoch holds the job: the last one claimed, by a slice whose lease has not been ended. */
export function holdsEpoch(job: JobState, epoch: number): boolean {
  return job.epoch === epoch && job.leaseUntilMs !== null;
}
