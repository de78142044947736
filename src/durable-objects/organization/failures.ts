/** What becomes of a job whose slice failed, fell silent, or lost its slot. */
import type { FailCommand } from "../../contracts/organization-rpc.ts";
import { type ModelName, nextModelUp } from "../../contracts/models.ts";
import type { JobError, JobRecord } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import type { ModelHealth } from "./model-health.ts";
import { decideJobFailure, decideLostSlice, transientLimitMs } from "./retry.ts";
import { setAside } from "./set-aside.ts";
import type { Slices } from "./slices.ts";
import { endUnfinished, type UnfinishedJobParts } from "./unfinished-job.ts";

export interface FailureParts extends UnfinishedJobParts {
  readonly jobs: JobTable;
  readonly slices: Slices;
  readonly modelHealth: ModelHealth;
  /** Models that the organization may use. */
  readonly allowedModels: () => readonly ModelName[];
  /** Whether a model's breaker is not closed. */
  readonly isOutOfReach: (model: ModelName) => boolean;
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
    const { jobs, slices, modelHealth, isOutOfReach, random } = this.#parts;
    const job = slices.held(command);
    if (job === null) return false;
    if (command.isModelFault === true) modelHealth.noteFault(change, job.record.model, command.retryAfterMs);
    const transientSinceMs = job.transientSinceMs ?? change.nowMs;
    // Another model helps against no fault but the model's own.
    const named = command.isModelFault === true ? (command.fallbackModel ?? null) : null;
    const decision = decideJobFailure(
      {
        failureClass: command.failureClass,
        retryAfterMs: command.retryAfterMs,
        transientFailures: job.transientFailures,
        transientForMs: change.nowMs - transientSinceMs,
        attempts: job.record.attempts,
        maxAttempts: job.record.maxAttempts,
        fallbackModel: this.#usable(named, job.record),
        isOutOfReach: isOutOfReach(job.record.model),
      },
      random(),
    );
    switch (decision.kind) {
      case "wait":
        this.#wait(
          change,
          { ...job, transientFailures: job.transientFailures + 1, fallbackModel: named },
          { ...decision, transientSinceMs },
          command.error,
        );
        break;
      case "new_attempt":
        this.#beginAnew(change, { ...job, record: this.#betterModel(change, job.record) }, command.error);
        break;
      case "fall_back":
        this.#fallBack(change, job, decision.model, command.error);
        break;
      case "give_up":
        jobs.save(
          endUnfinished(change, this.#parts, job, {
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

  /**
   * Dispatches a job whose back-off is over, if it kept its slot; otherwise it now counts as demand. One whose model a
   * breaker would keep it from goes over to its fall-back model instead.
   */
  endBackOff(change: Change, jobId: string): void {
    const { jobs, dispatcher, isOutOfReach } = this.#parts;
    const job = jobs.find(jobId);
    if (job === null || job.dispatch !== null) return;
    change.touch(job.record.issueId);
    const ready: JobState = { ...job, readyAtMs: 0 };
    const fallbackModel = this.#usable(job.fallbackModel ?? null, job.record);
    if (fallbackModel !== null && isOutOfReach(job.record.model)) this.#fallBack(change, ready, fallbackModel);
    else if (ready.slot === null) jobs.save(ready);
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

  /** Has a job that has waited for its provider as long as it may looked at. */
  endPatience(change: Change, jobId: string): void {
    const job = this.#parts.jobs.find(jobId);
    if (job?.record.status === "PENDING") change.touch(job.record.issueId);
  }

  /** Goes over to another model, in a new attempt that uses up none of the job's own. */
  #fallBack(change: Change, job: JobState, model: ModelName, error?: JobError): void {
    const maxAttempts = job.record.maxAttempts + 1;
    const modelReason = `${model} because ${job.record.model} is out of reach`;
    const record = changeModel(change, job.record, { model, modelReason, maxAttempts });
    this.#beginAnew(change, { ...job, record }, error);
  }

  /** Ends the attempt; the next one starts at once where the job keeps its slot. */
  #beginAnew(change: Change, job: JobState, error?: JobError): void {
    const { jobs, dispatcher } = this.#parts;
    const rested = setAside(change, dispatcher, job, { keepSlot: true, ...(error && { error }) });
    if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${job.record.id}`);
    const next: JobState = { ...rested, attemptOpen: false, transientFailures: 0, transientSinceMs: null };
    if (next.slot === null) jobs.save(next);
    else dispatcher.dispatch(change, next);
  }

  /** After a failed attempt one model up, where the organization may use it. */
  #betterModel(change: Change, record: JobRecord): JobRecord {
    const model = nextModelUp(record.model, this.#parts.allowedModels());
    if (model === null) return record;
    const modelReason = `one model up after attempt ${record.attempts} on ${record.model} failed`;
    return changeModel(change, record, { model, modelReason, maxAttempts: record.maxAttempts });
  }

  /** A fall-back model that the job may go over to, and that is within reach; null when there is no use in that. */
  #usable(model: ModelName | null, record: JobRecord): ModelName | null {
    const { allowedModels, isOutOfReach } = this.#parts;
    if (model === null || model === record.model) return null;
    return allowedModels().includes(model) && !isOutOfReach(model) ? model : null;
  }

  #loseSlice(change: Change, job: JobState): void {
    const { jobs, slices } = this.#parts;
    const decision = decideLostSlice(job.lostSlices);
    if (decision.kind === "run_again") {
      slices.endSlice(change, job, "lease_expired");
      return;
    }
    slices.tellEnd(change, job, "lease_expired");
    const message = `${job.lostSlices} slices in a row fell silent without a new checkpoint.`;
    const error = { reason: decision.reason, message };
    jobs.save(endUnfinished(change, this.#parts, job, { status: "FAILED", error }));
  }

  #wait(
    change: Change,
    job: JobState,
    wait: { readonly delayMs: number; readonly keepSlot: boolean; readonly transientSinceMs: number },
    error: JobError,
  ): void {
    const { jobs, dispatcher } = this.#parts;
    const { delayMs, keepSlot, transientSinceMs } = wait;
    const readyAtMs = change.nowMs + delayMs;
    jobs.save({ ...setAside(change, dispatcher, job, { keepSlot, error }), readyAtMs, transientSinceMs });
    change.deadlines.set(`retry:${job.record.id}`, readyAtMs);
    // Apart from the next try, for which a breaker may make it wait as long as it likes.
    change.deadlines.set(`provider:${job.record.id}`, transientSinceMs + transientLimitMs);
  }
}

function changeModel(
  change: Change,
  record: JobRecord,
  to: Pick<JobRecord, "model" | "modelReason" | "maxAttempts">,
): JobRecord {
  const { issueId, id: jobId } = record;
  change.append({ type: "job.model_changed", issueId, jobId, data: to });
  return { ...record, ...to, updatedAtMs: change.nowMs };
}
