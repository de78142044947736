/** What a running slice may do with its job; every call carries the slice's epoch, and an older one is refused. */
import { createHash } from "node:crypto";
import type { ArtifactDraft, BeginAttempt, Checkpoint, EpochRef, LogDraft } from "../../contracts/organization-rpc.ts";
import type { ArtifactRecord, LogRecord, StepRecord } from "../../contracts/records.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { AttemptTable } from "./attempt-table.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { Change } from "./change.ts";
import { decideCheckpoint } from "./checkpoint-decision.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { IssueTable } from "./issue-table.ts";
import { holdsEpoch, type JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import type { ModelHealth } from "./model-health.ts";
import { setAside } from "./set-aside.ts";
import type { StepTable } from "./step-table.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

export interface SliceParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly attempts: AttemptTable;
  readonly steps: StepTable;
  readonly workspaces: WorkspaceTable;
  readonly artifacts: ArtifactTable;
  readonly dispatcher: Dispatcher;
  readonly budget: BudgetDesk;
  readonly modelHealth: ModelHealth;
  readonly timings: Timings;
  /** Notes what people said and the job's agent has heard with a checkpoint. */
  readonly noteHeard: (change: Change, job: JobState, messageIds: readonly string[]) => void;
  /** Whether the job's agent has heard some of these messages before. */
  readonly hasHeard: (job: JobState, messageIds: readonly string[]) => boolean;
  /** Whether a slot that a slice keeps belongs to another organization by now; asked once, it has been given. */
  readonly owesSlot: () => boolean;
}

export class Slices {
  readonly #parts: SliceParts;

  constructor(parts: SliceParts) {
    this.#parts = parts;
  }

  /** The job, if this epoch holds it. */
  held({ jobId, epoch }: EpochRef): JobState | null {
    const job = this.#parts.jobs.find(jobId);
    return job !== null && holdsEpoch(job, epoch) ? job : null;
  }

  renew(change: Change, ref: EpochRef): boolean {
    const job = this.held(ref);
    if (job === null) return false;
    this.#parts.jobs.save(this.#renewed(change, job));
    return true;
  }

  /** Stores what the attempt always sends, once; a repetition changes nothing. */
  beginAttempt(change: Change, command: BeginAttempt): boolean {
    const { jobs, attempts } = this.#parts;
    const job = this.held(command);
    if (job === null) return false;
    assertAttempt(job, command.attempt);
    if (attempts.findPrompt(command.jobId, command.attempt) !== null) return true;
    attempts.savePrompt(command.jobId, command.attempt, command.prompt);
    attempts.appendMessages(command.jobId, command.attempt, 0, [command.firstMessage]);
    const { modelId, baseCommit, baseBranch } = command.prompt;
    const workspaceBase =
      baseCommit === null || baseBranch === null ? null : { commit: baseCommit, branch: baseBranch };
    const { agentVersion } = command;
    const begun: JobState = { ...this.#renewed(change, job), workspaceBase };
    jobs.save(agentVersion === undefined ? begun : { ...begun, agentVersion });
    change.append({
      type: "job.attempt_started",
      issueId: job.record.issueId,
      jobId: command.jobId,
      data: { attempt: command.attempt, modelId, baseCommit },
    });
    return true;
  }

  /**
   * Stores a checkpoint whole, with its events, and returns the job; null when the epoch does not hold it. One that was
   * accepted before changes nothing.
   */
  checkpoint(change: Change, checkpoint: Checkpoint): JobState | null {
    const { jobs, attempts, steps, workspaces, artifacts, noteHeard, hasHeard } = this.#parts;
    const job = this.held(checkpoint);
    if (job === null) return null;
    assertAttempt(job, checkpoint.attempt);
    const hash = checkpoint.steps.length === 0 ? hashOf(checkpoint) : null;
    const { jobId, attempt } = checkpoint;
    const stepsRecorded = steps.count(jobId, attempt);
    const decision = decideCheckpoint(checkpoint, {
      stepsRecorded,
      isLastStepless: hash !== null && hash === job.steplessCheckpointHash,
      isHeard: hasHeard(job, checkpoint.heardMessageIds),
    });
    if (decision.kind === "repeat") return job;
    if (decision.kind === "gap") {
      throw new Error(`job ${checkpoint.jobId}: step ${decision.got} came where ${decision.expected} was next`);
    }
    const charged = this.#recordSteps(change, job, checkpoint.steps);
    const afterStep = stepsRecorded + checkpoint.steps.length;
    attempts.appendMessages(jobId, attempt, afterStep, checkpoint.appendedMessages);
    workspaces.save({ jobId, attempt, afterStep }, checkpoint.workspace);
    for (const draft of checkpoint.artifacts) createArtifact(change, artifacts, job.record, draft);
    for (const draft of checkpoint.logs) this.#writeLog(change, job, draft);
    noteHeard(change, job, checkpoint.heardMessageIds);
    const saved: JobState = {
      ...this.#renewed(change, charged),
      lostSlices: 0,
      steplessCheckpointHash: hash,
    };
    jobs.save(saved);
    return saved;
  }

  /** Ends the slice and dispatches the job again in the same slot, unless another organization is owed that. */
  yieldSlice(change: Change, ref: EpochRef): boolean {
    const job = this.held(ref);
    if (job === null) return false;
    const keepSlot = job.signal !== null || !this.#parts.owesSlot();
    this.endSlice(change, job, "yielded", { keepSlot });
    return true;
  }

  /** Ends the slice of a job that goes on: its next dispatch leaves at once, unless it was told to rest or keeps no slot. */
  endSlice(
    change: Change,
    job: JobState,
    how: "yielded" | "lease_expired",
    { keepSlot }: { readonly keepSlot: boolean } = { keepSlot: true },
  ): void {
    const { jobs, dispatcher } = this.#parts;
    this.tellEnd(change, job, how);
    if (keepSlot && job.signal === null) dispatcher.dispatch(change, dispatcher.detach(change, job));
    else jobs.save(setAside(change, dispatcher, job, { keepSlot: false }));
  }

  /** Appends the event of a slice's end. */
  tellEnd(change: Change, { record, epoch }: JobState, how: "yielded" | "lease_expired"): void {
    change.append({
      type: "job.slice_ended",
      issueId: record.issueId,
      jobId: record.id,
      data: { epoch, how },
    });
  }

  #renewed(change: Change, job: JobState): JobState {
    const leaseUntilMs = change.nowMs + this.#parts.timings.leaseMs;
    change.deadlines.set(`lease:${job.record.id}`, leaseUntilMs);
    return { ...job, leaseUntilMs };
  }

  /** Stores steps and adds their cost to job and issue; returns the job, not yet stored. */
  #recordSteps(change: Change, job: JobState, recorded: readonly StepRecord[]): JobState {
    const { issues, steps, budget, modelHealth } = this.#parts;
    const { issueId, id: jobId } = job.record;
    const issue = issues.get(issueId);
    let jobCostMicroUsd = job.record.costMicroUsd;
    let issueCostMicroUsd = issue.costMicroUsd;
    for (const step of recorded) {
      steps.save(issueId, step);
      jobCostMicroUsd += step.costMicroUsd;
      issueCostMicroUsd += step.costMicroUsd;
      change.append({ type: "step.recorded", issueId, jobId, data: { step, jobCostMicroUsd, issueCostMicroUsd } });
      budget.commitStep(change, job, step);
      if (step.kind === "model") modelHealth.noteAnswer(change, job.record.model);
    }
    if (recorded.length === 0) return job;
    issues.save({ ...issue, costMicroUsd: issueCostMicroUsd });
    if (job.transientSinceMs !== null) change.deadlines.clear(`provider:${jobId}`);
    return {
      ...job,
      record: { ...job.record, costMicroUsd: jobCostMicroUsd, updatedAtMs: change.nowMs },
      transientFailures: 0,
      transientSinceMs: null,
    };
  }

  #writeLog(change: Change, job: JobState, draft: LogDraft): void {
    const { id: jobId, issueId } = job.record;
    const log: LogRecord = { ...draft, id: change.newId("log"), jobId, atMs: change.nowMs };
    this.#parts.artifacts.saveLog(issueId, log);
    change.append({ type: "log.written", issueId, jobId, data: { log } });
  }
}

/** What a checkpoint without steps is known by. */
function hashOf(checkpoint: Checkpoint): string {
  return createHash("sha256").update(JSON.stringify(checkpoint)).digest("hex");
}

/** Stores an artifact of a job and tells of it. */
export function createArtifact(
  change: Change,
  artifacts: ArtifactTable,
  job: { readonly id: string; readonly issueId: string },
  draft: ArtifactDraft,
): ArtifactRecord {
  const artifact = artifacts.create(change, job, draft);
  change.append({ type: "artifact.created", issueId: job.issueId, jobId: job.id, data: { artifact } });
  return artifact;
}

function assertAttempt(job: JobState, attempt: number): void {
  if (job.record.attempts !== attempt) {
    throw new Error(`job ${job.record.id} is in attempt ${job.record.attempts}, not ${attempt}`);
  }
}
