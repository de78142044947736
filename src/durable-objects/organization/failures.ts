/** What becomes of a job whose slice failed, fell silent, or lost its slot. */
import type { FailCommand } from "../../contracts/organization-rpc.ts";
import type { JobError } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { JobState } from "./job-state.ts";
import { moveJob } from "./job-moves.ts";
import type { JobTable } from "./job-table.ts";
import { decideJobFailure, decideLostSlice } from "./retry.ts";
import { setAside } from "./set-aside.ts";
import type { Slices } from "./slices.ts";

export interface FailureParts {
  readonly jobs: JobTable;
  readonly slices: Slices;
  readonly dispatcher: Dispatcher;
  /** A number from 0 to 1. */
  readonly random: () => number;
}

export class Failures {
  readonly #parts: FailureParts;

  constructor(parts: FailureParts) {
    this.#parts = parts;
  }

  /** Takes a slice's failure; false when its epoch no longer holds the job. */
  fail(change: Change, command: FailCommand): boolean {
    const { slices, dispatcher, random } = this.#parts;
    const job = slices.held(command);
    if (job === null) return false;
    const transientSinceMs = job.transientSinceMs ?? change.nowMs;
    const decision = decideJobFailure(
      {
        failureClass: command.failureClass,
        retryAfterMs: command.retryAfterMs,
        transientFailures: job.transientFailures,
        transientForMs: change.nowMs - transientSinceMs,
        attempts: job.record.attempts,
        maxAttempts: job.record.maxAttempts,
      },
      random(),
    );
    switch (decision.kind) {
      case "wait":
        this.#wait(
          change,
          { ...job, transientFailures: job.transientFailures + 1, transientSinceMs },
          decision,
          command.error,
        );
        break;
      case "new_attempt": {
        const rested = setAside(change, dispatcher, job, { keepSlot: true, error: command.error });
        const next: JobState = { ...rested, attemptOpen: false, transientFailures: 0, transientSinceMs: null };
        if (next.slot === null) this.#parts.jobs.save(next);
        else dispatcher.dispatch(change, next);
        break;
      }
      case "give_up":
        this.#parts.jobs.save(
          moveJob(change, dispatcher.release(change, job), {
            status: "FAILED",
            error: { ...command.error, reason: decision.reason ?? command.error.reason },
          }),
        );
    }
    return true;
  }

  /** Ends the slice of a job whose lease is over: the slice is gone, or may no longer act. */
  expireLease(change: Change, jobId: string): void {
    const job = this.#parts.jobs.find(jobId);
    if (job === null || job.leaseUntilMs === null) return;
    if (job.leaseUntilMs > change.nowMs) change.deadlines.set(`lease:${jobId}`, job.leaseUntilMs);
    else this.#loseSlice(change, { ...job, lostSlices: job.lostSlices + 1 });
  }

  /** Dispatches a job whose back-off is over, if it kept its slot; otherwise it now counts as demand. */
  endBackOff(change: Change, jobId: string): void {
    const { jobs, dispatcher } = this.#parts;
    const job = jobs.find(jobId);
    if (job === null || job.dispatch !== null) return;
    change.touch(job.record.issueId);
    const ready: JobState = { ...job, readyAtMs: 0 };
    if (ready.slot === null) jobs.save(ready);
    else dispatcher.dispatch(change, ready);
  }

  /** Takes a job out of a slot that the platform gave to someone else; no attempt is used up. */
  fence(change: Change, slotId: string): void {
    const { jobs, slices, dispatcher } = this.#parts;
    const job = jobs.findBySlot(slotId);
    if (job === null) return;
    if (job.leaseUntilMs !== null) slices.tellEnd(change, job, "lease_expired");
    const free: JobState = { ...dispatcher.detach(change, job), slot: null, epoch: job.epoch + 1 };
    jobs.save(setAside(change, dispatcher, free, { keepSlot: false }));
    if (free.readyAtMs > change.nowMs) change.deadlines.set(`retry:${free.record.id}`, free.readyAtMs);
  }

  #loseSlice(change: Change, job: JobState): void {
    const { jobs, slices, dispatcher } = this.#parts;
    const decision = decideLostSlice(job.lostSlices);
    if (decision.kind === "run_again") {
      slices.endSlice(change, job, "lease_expired");
      return;
    }
    slices.tellEnd(change, job, "lease_expired");
    const message = `${job.lostSlices} slices in a row fell silent without a new checkpoint.`;
    const error = { reason: decision.reason, message };
    jobs.save(moveJob(change, dispatcher.release(change, job), { status: "FAILED", error }));
  }

  #wait(
    change: Change,
    job: JobState,
    { delayMs, keepSlot }: { readonly delayMs: number; readonly keepSlot: boolean },
    error: JobError,
  ): void {
    const { jobs, dispatcher } = this.#parts;
    const readyAtMs = change.nowMs + delayMs;
    jobs.save({ ...setAside(change, dispatcher, job, { keepSlot, error }), readyAtMs });
    change.deadlines.set(`retry:${job.record.id}`, readyAtMs);
  }
}
