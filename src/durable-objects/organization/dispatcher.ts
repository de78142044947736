/** Brings jobs that have a slot to a slice: sends them to a queue, sends again, and lets one delivery claim them. */
import type { ClaimCommand } from "../../contracts/organization-rpc.ts";
import type { JobMessage } from "../../contracts/queue-messages.ts";
import type { JobRecord } from "../../contracts/records.ts";
import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { resendDelayMs } from "../resend-delay.ts";
import type { Change } from "./change.ts";
import { decideExpiry } from "./expiry-decision.ts";
import type { IssueTable } from "./issue-table.ts";
import { ranForMs, type JobSlot, type JobState } from "./job-state.ts";
import { moveJob } from "./job-moves.ts";
import type { JobTable } from "./job-table.ts";

export interface DispatcherParts {
  readonly jobs: JobTable;
  readonly issues: IssueTable;
  readonly timings: Timings;
  /** The most slots that the organization may hold now. */
  readonly concurrencyLimit: () => number;
  /** Commits the money set aside for a model call that the job's slice has left without an answer. */
  readonly commitOpenCall: (change: Change, job: JobState) => JobState;
  /** Waiting jobs that may not start now. */
  readonly heldJobs: (nowMs: number) => HeldJobs;
  /** Whether a switch keeps a job from being dispatched. */
  readonly isHeld: (job: JobRecord, nowMs: number) => boolean;
  readonly releaseSlot: (slotId: string) => void;
  /** Remembers that a slot was refused: the platform may already have given it to someone else. */
  readonly forgoSlot: (slotId: string, nowMs: number) => void;
  /** Whether a slot was given back, or refused. */
  readonly wasReleased: (slotId: string) => boolean;
  /** Sends to the queue lane of a slot. */
  readonly send: (slotNumber: number, message: JobMessage) => Promise<unknown>;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Gives a granted slot to the job whose turn it is; false when no job can use it. The same grant twice is one. */
  grant(change: Change, slot: JobSlot): boolean {
    const { jobs, forgoSlot } = this.#parts;
    if (jobs.findBySlot(slot.slotId) !== null) return true;
    const job = this.#jobFor(change, slot);
    if (job === null) forgoSlot(slot.slotId, change.nowMs);
    else this.dispatch(change, { ...job, slot });
    return job !== null;
  }

  /** Sends a job that holds a slot to its lane, under a new dispatch id, and stores it. One that is held rests instead. */
  dispatch(change: Change, job: JobState): void {
    const { record, slot } = job;
    if (this.#parts.isHeld(record, change.nowMs)) {
      this.rest(change, job);
      return;
    }
    if (slot === null) throw new Error(`job ${record.id} has no slot to be dispatched in`);
    const dispatchId = change.newId("dispatch");
    const dispatched: JobState = { ...job, dispatch: { dispatchId, claimed: false }, everDispatched: true };
    this.#parts.jobs.save(dispatched);
    change.append({
      type: "job.dispatched",
      issueId: record.issueId,
      jobId: record.id,
      data: { dispatchId, slotNumber: slot.slotNumber },
    });
    this.#send(change, dispatched, 0);
  }

  /** Sends an unclaimed dispatch again, under the same id. */
  resend(change: Change, jobId: string, deadline: Deadline): void {
    const job = this.#parts.jobs.find(jobId);
    if (job?.dispatch?.claimed === false) this.#send(change, job, deadline.tries + 1);
  }

  /** Begins a slice of the job, once per dispatch, under the next epoch; null when the dispatch no longer counts. */
  claim(change: Change, { jobId, dispatchId }: ClaimCommand): JobState | null {
    const { jobs, issues, timings } = this.#parts;
    const job = jobs.find(jobId);
    if (job === null || job.dispatch?.dispatchId !== dispatchId || job.dispatch.claimed) return null;
    const { issueId } = job.record;
    if (decideExpiry(job, issues.get(issueId).expiresAtMs, change.nowMs).kind === "end") {
      // The alarm that was to give it up is late; this change does it.
      change.touch(issueId);
      return null;
    }

    const begun: JobState = job.attemptOpen
      ? job
      : { ...job, attemptOpen: true, record: { ...job.record, attempts: job.record.attempts + 1 } };
    const running = begun.record.status === "PENDING" ? moveJob(change, begun, { status: "RUNNING" }) : begun;
    const claimed: JobState = {
      ...running,
      dispatch: { dispatchId, claimed: true },
      epoch: job.epoch + 1,
      leaseUntilMs: change.nowMs + timings.leaseMs,
      sliceStartedAtMs: change.nowMs,
    };
    jobs.save(claimed);
    change.deadlines.clear(`dispatch:${jobId}`);
    change.deadlines.set(`lease:${jobId}`, change.nowMs + timings.leaseMs);
    change.append({
      type: "job.slice_started",
      issueId,
      jobId,
      data: { epoch: claimed.epoch, dispatchId },
    });
    return claimed;
  }

  /**
   * The job without slice, dispatch and deadlines: nobody may act for it any more. The caller stores it. A model call that
   * its slice left open is committed whole, unless the caller keeps it for a settlement that is still to come.
   */
  detach(change: Change, job: JobState, openCall: "commit" | "keep" = "commit"): JobState {
    for (const kind of ["dispatch", "lease", "retry"]) change.deadlines.clear(`${kind}:${job.record.id}`);
    const settled = openCall === "commit" ? this.#parts.commitOpenCall(change, job) : job;
    const ran = ranForMs(job, change.nowMs);
    return { ...settled, dispatch: null, leaseUntilMs: null, sliceStartedAtMs: null, ranForMs: ran };
  }

  /** The detached job without its slot, which goes back to the platform. The caller stores it. */
  release(change: Change, job: JobState, openCall: "commit" | "keep" = "commit"): JobState {
    if (job.slot !== null) this.#parts.releaseSlot(job.slot.slotId);
    return { ...this.detach(change, job, openCall), slot: null };
  }

  #jobFor(change: Change, { slotId }: JobSlot): JobState | null {
    const { jobs, concurrencyLimit, wasReleased, heldJobs } = this.#parts;
    if (wasReleased(slotId) || jobs.heldSlotIds().length >= concurrencyLimit()) return null;
    return jobs.nextWaiting(change.nowMs, heldJobs(change.nowMs));
  }

  /** Takes a job that no slice runs out of its slot, without using up an attempt, and stores it. */
  rest(change: Change, job: JobState): void {
    const free = this.release(change, job);
    this.#parts.jobs.save(free.record.status === "RUNNING" ? moveJob(change, free, { status: "PENDING" }) : free);
  }

  #send(change: Change, { record, slot, dispatch }: JobState, tries: number): void {
    if (slot === null || dispatch === null) return;
    const { issues, timings, send } = this.#parts;
    const message: JobMessage = {
      v: 1,
      organizationId: record.organizationId,
      jobId: record.id,
      dispatchId: dispatch.dispatchId,
      correlationId: issues.get(record.issueId).correlationId,
    };
    const delayMs = resendDelayMs(tries, { firstMs: timings.resendAfterMs, maxMs: timings.resendMaxMs });
    change.deadlines.set(`dispatch:${record.id}`, change.nowMs + delayMs, tries);
    change.afterCommit("send job", () => send(slot.slotNumber, message));
  }
}
