/** What an organization's events say, followed one by one and held against the rules. */
import type { EventType, OrganizationEvent } from "../../src/contracts/events.ts";
import type { IssueRecord, JobRecord } from "../../src/contracts/records.ts";
import {
  isLegalJobTransition,
  isTerminalJobStatus,
  type IssueCommandName,
  type IssueStatus,
  type JobStatus,
  type PausedReason,
} from "../../src/contracts/status.ts";

export interface ModelJob {
  /** As it was made, with the model that it runs on now. */
  record: JobRecord;
  status: JobStatus;
  pausedReason: PausedReason | null;
  /** The epoch that may write now; null while no slice holds the job. */
  liveEpoch: number | null;
  lastEpoch: number;
  /** The attempt of the last step that was recorded; 0 before the first. */
  spokeInAttempt: number;
  /** How often what it came to was kept, as something unfinished. */
  partials: number;
  /** What the slice that runs was told. */
  signal: "none" | "pause" | "yield";
  /** Slot of the last dispatch, and the organization's highest limit since the job got it: lowering it takes no slot away. */
  slotNumber: number | null;
  limitWithSlot: number;
}

const forbiddenAfterCancel: ReadonlySet<EventType> = new Set<EventType>([
  "job.created",
  "job.dispatched",
  "job.slice_started",
  "job.attempt_started",
  "job.model_changed",
  "step.recorded",
  "review.opened",
  "effect.created",
]);

/** What nothing that has ended does. Its partial work is kept by the change that ends it, before its end is told. */
const forbiddenAfterEnd: ReadonlySet<EventType> = new Set<EventType>([
  "job.dispatched",
  "job.slice_started",
  "job.attempt_started",
  "job.model_changed",
  "step.recorded",
  "artifact.created",
]);

export interface ModelSurroundings {
  /** The most jobs that the organization may run now. */
  readonly limit: () => number;
  readonly globalLimit: number;
  readonly runningEverywhere: () => number;
  readonly report: (problem: string) => void;
}

export class OrganizationModel {
  readonly issues = new Map<string, IssueStatus>();
  readonly jobs = new Map<string, ModelJob>();
  /** Issues that somebody has paused, and nobody has resumed or cancelled. */
  readonly paused = new Set<string>();
  /** Every issue as it was submitted. */
  readonly facts = new Map<string, IssueRecord>();
  readonly #cancelled = new Set<string>();
  readonly #around: ModelSurroundings;
  /** Idempotency keys that have made an issue. */
  readonly #keys = new Set<string>();
  #hasCeilings = false;
  #lastSeq = 0;
  #running = 0;

  constructor(around: ModelSurroundings) {
    this.#around = around;
  }

  lastSeq(): number {
    return this.#lastSeq;
  }

  running(): number {
    return this.#running;
  }

  /** Whether a submission has said what its work may cost at most. */
  hasCeilings(): boolean {
    return this.#hasCeilings;
  }

  liveEpoch(jobId: string): number | null {
    return this.jobs.get(jobId)?.liveEpoch ?? null;
  }

  take(event: OrganizationEvent): void {
    if (event.seq !== this.#lastSeq + 1) this.#report(`event ${event.seq} follows ${this.#lastSeq}`);
    this.#lastSeq = event.seq;
    if (event.type === "issue.submitted") {
      const { externalId } = event.data.issue;
      this.facts.set(event.issueId, event.data.issue);
      if (externalId !== null && this.#keys.has(externalId)) this.#report(`${externalId} has made a second issue`);
      if (externalId !== null) this.#keys.add(externalId);
      this.issues.set(event.issueId, event.data.issue.status);
      return;
    }
    if (this.#cancelled.has(event.issueId) && forbiddenAfterCancel.has(event.type)) {
      this.#report(`${event.type} after ${event.issueId} was cancelled`);
    }
    if (!this.issues.has(event.issueId)) this.#report(`${event.type} of the unknown issue ${event.issueId}`);
    if (event.type === "issue.status_changed") {
      if (this.issues.get(event.issueId) !== event.data.from)
        this.#report(`${event.issueId} was not ${event.data.from}`);
      this.issues.set(event.issueId, event.data.status);
    } else if (event.type === "issue.commanded") {
      this.#command(event.issueId, event.data.command);
    } else if (event.jobId !== null) this.#takeOfJob(event, event.jobId);
  }

  /** Takes note that the organization has another limit. */
  limitChanged(): void {
    const limit = this.#around.limit();
    for (const job of this.jobs.values()) {
      if (job.slotNumber !== null) job.limitWithSlot = Math.max(job.limitWithSlot, limit);
    }
  }

  #takeOfJob(event: OrganizationEvent, jobId: string): void {
    if (event.type === "job.created") {
      const record = event.data.job;
      this.#hasCeilings ||= "maxCostMicroUsd" in record.config;
      this.jobs.set(jobId, {
        record,
        status: record.status,
        pausedReason: record.pausedReason,
        liveEpoch: null,
        lastEpoch: 0,
        spokeInAttempt: 0,
        partials: 0,
        signal: "none",
        slotNumber: null,
        limitWithSlot: 0,
      });
      return;
    }
    const job = this.jobs.get(jobId);
    if (job === undefined) {
      this.#report(`${event.type} of the unknown job ${jobId}`);
      return;
    }
    const isPullRequest = event.type === "artifact.created" && event.data.artifact.type === "PULL_REQUEST";
    const isForbidden = forbiddenAfterEnd.has(event.type) && !(isPullRequest && job.status === "COMPLETED");
    if (isTerminalJobStatus(job.status) && isForbidden)
      this.#report(`${event.type} of ${jobId} after its end: ${job.status}`);
    if (event.type === "job.dispatched") this.#dispatch(job, event.data.slotNumber);
    else if (event.type === "job.slice_started") this.#startSlice(job, jobId, event.data.epoch);
    else if (event.type === "job.slice_ended") job.liveEpoch = null;
    else if (event.type === "job.model_changed") job.record = { ...job.record, model: event.data.model };
    else if (event.type === "job.signalled") job.signal = event.data.signal;
    else if (event.type === "step.recorded") job.spokeInAttempt = event.data.step.attempt;
    else if (event.type === "artifact.created")
      job.partials += event.data.artifact.metadata["partial"] === true ? 1 : 0;
    else if (event.type === "job.status_changed") {
      this.#move(job, jobId, event.data.from, event.data.status);
      this.#lookAtLeft(job, event.data);
      job.pausedReason = event.data.pausedReason;
    }
  }

  /** What a job said and did not finish is kept before its end, once; of one that has an outcome, or goes on, nothing is. */
  #lookAtLeft(job: ModelJob, { status, attempts }: { readonly status: JobStatus; readonly attempts: number }): void {
    const { record, spokeInAttempt, partials } = job;
    const isUnfinished = status === "FAILED" || status === "CANCELLED";
    const hasSpoken = record.role === "work" && attempts > 0 && spokeInAttempt === attempts;
    if (isUnfinished && hasSpoken && partials === 0) this.#report(`${record.id} is ${status} and left nothing`);
    if (partials > (isUnfinished && record.role === "work" ? 1 : 0))
      this.#report(`${record.id}, ${status}, left too much`);
  }

  #command(issueId: string, command: IssueCommandName): void {
    if (command === "pause") this.paused.add(issueId);
    else this.paused.delete(issueId);
    if (command === "cancel") this.#cancelled.add(issueId);
    else if (command === "retry") this.#cancelled.delete(issueId);
  }

  #dispatch(job: ModelJob, slotNumber: number): void {
    const keepsSlot = job.slotNumber === slotNumber;
    job.limitWithSlot = Math.max(this.#around.limit(), keepsSlot ? job.limitWithSlot : 0);
    job.slotNumber = slotNumber;
  }

  #startSlice(job: ModelJob, jobId: string, epoch: number): void {
    if (job.liveEpoch !== null) this.#report(`${jobId}: epoch ${epoch} begins while ${job.liveEpoch} lives`);
    if (epoch <= job.lastEpoch) this.#report(`${jobId}: epoch ${epoch} after ${job.lastEpoch}`);
    job.liveEpoch = epoch;
    job.signal = "none";
    job.lastEpoch = epoch;
  }

  #move(job: ModelJob, jobId: string, from: JobStatus, to: JobStatus): void {
    if (isTerminalJobStatus(job.status)) this.#report(`${jobId} went from ${job.status} to ${to}`);
    if (job.status !== from || !isLegalJobTransition(from, to))
      this.#report(`${jobId}, ${job.status}: ${from} to ${to}`);
    if (job.status === "RUNNING") this.#running -= 1;
    if (to === "RUNNING") this.#start(job, jobId);
    else job.liveEpoch = null;
    // One in back-off may keep its slot.
    if (to !== "RUNNING" && to !== "PENDING") job.slotNumber = null;
    job.status = to;
  }

  #start(job: ModelJob, jobId: string): void {
    const limit = Math.max(job.limitWithSlot, this.#around.limit());
    if (this.#running >= limit) this.#report(`${jobId} starts while ${this.#running} of ${limit} run`);
    const everywhere = this.#around.runningEverywhere();
    if (everywhere >= this.#around.globalLimit) {
      this.#report(`${jobId} starts while ${everywhere} of ${this.#around.globalLimit} run on the platform`);
    }
    this.#running += 1;
  }

  #report(problem: string): void {
    this.#around.report(problem);
  }
}
