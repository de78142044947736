import type { JobError } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { moveJob } from "./job-moves.ts";
import type { JobState } from "./job-state.ts";

export interface SetAside {
  /** Whether it may wait in its slot; a job that was told to pause or to yield never does. */
  readonly keepSlot: boolean;
  readonly error?: JobError;
}

/**
 * The job without its slice, at rest: paused when it was told to pause, else waiting. What it was told is thereby done.
 * The caller stores it.
 */
export function setAside(
  change: Change,
  dispatcher: Dispatcher,
  job: JobState,
  { keepSlot, error }: SetAside,
): JobState {
  const { signal } = job;
  const idle = keepSlot && signal === null ? dispatcher.detach(change, job) : dispatcher.release(change, job);
  const told: JobState = { ...idle, signal: null };
  const detail = error === undefined ? {} : { error };
  if (signal === "pause") return moveJob(change, told, { status: "PAUSED", pausedReason: "operator", ...detail });
  return told.record.status === "PENDING" ? told : moveJob(change, told, { status: "PENDING", ...detail });
}
