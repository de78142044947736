/** What commands and switches do to one job, whether a slice runs it or not. */
import type { CommandAuthor } from "../../contracts/organization-rpc.ts";
import { numericPriority } from "../../contracts/status.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { Change } from "./change.ts";
import type { IssueTable } from "./issue-table.ts";
import { moveJob } from "./job-moves.ts";
import { type JobState, settlementWindowMs } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import { createJob } from "./new-job.ts";
import { withoutReplay } from "./replay-decision.ts";
import { setAside } from "./set-aside.ts";
import { keepUnfinished, type UnfinishedJobParts } from "./unfinished-job.ts";

const cancelledReason = "cancelled";

export interface JobControlParts extends UnfinishedJobParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly budget: BudgetDesk;
}

export class JobControl {
  readonly #parts: JobControlParts;

  constructor(parts: JobControlParts) {
    this.#parts = parts;
  }

  /** Pauses the job: now when no slice runs it, else at the slice's next checkpoint. */
  pause(change: Change, job: JobState): void {
    this.#tell(change, job, "pause");
  }

  /** Has the job leave its slot without using up an attempt: now, or at the next checkpoint of the slice that runs it. */
  yield(change: Change, job: JobState): void {
    if (job.signal !== "pause") this.#tell(change, job, "yield");
  }

  /** Takes a pause back; a job that had come to rest waits for a slot again, one with an open question for its answer. */
  resume(change: Change, job: JobState): void {
    if (job.record.pausedReason !== "operator") {
      this.#signal(change, job, null);
      return;
    }
    // How long a provider has been out of reach counts anew: while the job was paused, nobody tried.
    const rested: JobState = { ...job, transientFailures: 0, transientSinceMs: null };
    if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${job.record.id}`);
    this.#parts.jobs.save(moveJob(change, rested, { status: "PENDING" }));
    if (job.readyAtMs > change.nowMs) change.deadlines.set(`retry:${job.record.id}`, job.readyAtMs);
  }

  /** Keeps what a job has come to that is about to be cancelled. */
  keep(change: Change, job: JobState): void {
    keepUnfinished(change, this.#parts, job, cancelledReason);
  }

  /**
   * Ends the job now, whatever it is doing. From the slice that ran it nothing is accepted any more but one settlement
   * of the call that this aborts.
   */
  cancel(change: Change, job: JobState, author: CommandAuthor, signal: "cancel" | "abort"): void {
    const wasRunning = job.leaseUntilMs !== null;
    const settleUntilMs = wasRunning ? change.nowMs + settlementWindowMs : null;
    const message = author.reason ?? `Cancelled by ${author.actor}.`;
    const ended = this.#parts.dispatcher.release(change, job, wasRunning ? "keep" : "commit");
    if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${job.record.id}`);
    const error = { reason: cancelledReason, message };
    const cancelled = moveJob(change, ended, { status: "CANCELLED", error });
    this.#parts.jobs.save({ ...cancelled, signal, settleUntilMs });
    if (settleUntilMs !== null) change.deadlines.set(`settle:${job.record.id}`, settleUntilMs);
  }

  /** A new job that does an ended one again, from where its workspace stands. */
  again(change: Change, earlier: JobState): JobState {
    const { issues, jobs, workspaces } = this.#parts;
    const { id, issueId, organizationId, role, agentType, model, modelReason } = earlier.record;
    const config = withoutReplay(earlier.record.config);
    const { priority: issuePriority, notBeforeMs } = issues.get(issueId);
    const priority = numericPriority[issuePriority];
    const order = { issueId, organizationId, priority, role, agentType, model, modelReason, config, retryOf: id };
    const created = createJob(change, this.#parts, order);
    const readyAtMs = Math.max(created.readyAtMs, notBeforeMs ?? 0);
    const job: JobState = { ...created, readyAtMs, workspaceBase: earlier.workspaceBase };
    workspaces.copy(id, job.record.id);
    jobs.save(job);
    return job;
  }

  #tell(change: Change, job: JobState, signal: "pause" | "yield"): void {
    if (job.leaseUntilMs !== null) this.#signal(change, job, signal);
    else this.#parts.jobs.save(setAside(change, this.#parts.dispatcher, { ...job, signal }, { keepSlot: false }));
  }

  #signal(change: Change, job: JobState, signal: "pause" | "yield" | null): void {
    if (job.signal === signal) return;
    const { id: jobId, issueId } = job.record;
    this.#parts.jobs.save({ ...job, signal });
    change.append({ type: "job.signalled", issueId, jobId, data: { epoch: job.epoch, signal: signal ?? "none" } });
  }
}
