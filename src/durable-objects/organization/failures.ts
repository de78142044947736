/** What becomes of a job whose slice failed, fell silent, or lost its slot. */
import type { FailCommand } from "../../contracts/organization-rpc.ts";
import type { JobError } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { JobState } from "./job-state.ts";
import { moveJob } from "./job-moves.ts";
import type { JobTable } from "./job-table.ts";
import { decideJobFailure } from "./retry.ts";
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
        const pending = moveJob(change, dispatcher.detach(change, job), { status: "PENDING", error: command.error });
        dispatcher.dispatch(change, { ...pending, attemptOpen: false, transientFailures: 0, transientSinceMs: null });
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
    else this.#parts.slices.endSlice(change, job, "lease_expired");
  }

  /** Dispatches a job whose back-off is over, if it kept its slot; otherwise it now counts as demand. */
  endBackOff(change: Change, jobId: string): void {
    const { jobs, dispatcher } = this.#parts;
    const job = jobs.find(jobId);
    if (job !== null && job.slot !== null && job.dispatch === null) dispatcher.dispatch(change, job);
  }

  /** Takes a job out of a slot that the platform gave to someone else; no attempt is used up. */
  fence(change: Change, slotId: string): void {
    const { jobs, dispatcher } = this.#parts;
    const job = jobs.findBySlot(slotId);
    if (job === null) return;
    if (job.leaseUntilMs !== null) {
      change.append({
        type: "job.slice_ended",
        issueId: job.record.issueId,
        jobId: job.record.id,
        data: { epoch: job.epoch, how: "lease_expired" },
      });
    }
    const free: JobState = { ...dispatcher.detach(change, job), slot: null, epoch: job.epoch + 1 };
    if (free.readyAtMs > change.nowMs) change.deadlines.set(`retry:${free.record.id}`, free.readyAtMs);
    jobs.save(free.record.status === "RUNNING" ? moveJob(change, free, { status: "PENDING" }) : free);
  }

  #wait(
    change: Change,
    job: JobState,
    { delayMs, keepSlot }: { readonly delayMs: number; readonly keepSlot: boolean },
    error: JobError,
  ): void {
    const { jobs, dispatcher } = this.#parts;
    const readyAtMs = change.nowMs + delayMs;
    const idle = keepSlot ? dispatcher.detach(change, job) : dispatcher.release(change, job);
    jobs.save({ ...moveJob(change, idle, { status: "PENDING", error }), readyAtMs });
    change.deadlines.set(`retry:${job.record.id}`, readyAtMs);
  }
}
