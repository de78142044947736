/** Ends a job as its slice reports it, and begins what follows. */
import { askedMaxCostMicroUsd, costCeilingConfig } from "../../contracts/ceilings.ts";
import type { FinishCommand, JobOutcome } from "../../contracts/organization-rpc.ts";
import type { ArtifactRecord, JsonValue } from "../../contracts/records.ts";
import { numericPriority } from "../../contracts/status.ts";
import { bestModel } from "../../contracts/terms.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { ConversationTable } from "./conversation-table.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobState } from "./job-state.ts";
import { moveJob } from "./job-moves.ts";
import type { JobTable } from "./job-table.ts";
import { createJob } from "./new-job.ts";
import { approverOf, mustBeReviewed, type NextStep, nextStep, type ProposedChange } from "./next-step.ts";
import type { ReviewDesk } from "./review-desk.ts";
import { isRevision, rework } from "./rework.ts";
import { createArtifact, type Slices } from "./slices.ts";
import type { TermsKeeper } from "./terms-keeper.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

/** `config` of a review job: the artifact that it reads. */
const underReviewKey = "artifactId";

export interface CompletionParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly workspaces: WorkspaceTable;
  readonly artifacts: ArtifactTable;
  readonly conversation: ConversationTable;
  readonly terms: TermsKeeper;
  readonly slices: Slices;
  readonly dispatcher: Dispatcher;
  readonly reviews: ReviewDesk;
  readonly budget: BudgetDesk;
}

/** The artifact that a review job is about; null for other jobs. */
export function artifactUnderReview(job: JobState): string | null {
  const artifactId = job.record.config[underReviewKey];
  return job.record.role === "review" && typeof artifactId === "string" ? artifactId : null;
}

export class Completion {
  readonly #parts: CompletionParts;

  constructor(parts: CompletionParts) {
    this.#parts = parts;
  }

  /** Stores the outcome of a job and begins the next step of its issue; false when the epoch does not hold the job. */
  finish(change: Change, command: FinishCommand): boolean {
    const { slices, artifacts, dispatcher, jobs } = this.#parts;
    const job = slices.held(command);
    if (job === null) return false;
    const { outcome } = command;
    if (outcome.role !== job.record.role) {
      throw new Error(`job ${job.record.id} has the role ${job.record.role}, not ${outcome.role}`);
    }
    if (this.#mustHearMore(job)) {
      slices.endSlice(change, job, "yielded");
      return true;
    }
    for (const draft of command.artifacts) createArtifact(change, artifacts, job.record, draft);
    if (outcome.role === "triage") this.#storeTriage(change, job, outcome);

    const next = nextStep(outcome, this.#changeOf(job));
    const idle: JobState = { ...dispatcher.release(change, job), signal: null };
    const result = resultOf(outcome);
    if (next.kind === "refuse") {
      const error = { reason: "refused_path", message: `${next.path} may not be changed: ${next.reason}` };
      jobs.save(moveJob(change, idle, { status: "FAILED", error, result }));
      return true;
    }
    jobs.save(moveJob(change, idle, { status: "COMPLETED", error: null, result }));
    this.#begin(change, job, outcome, next);
    if (job.signal === "pause") this.#pauseWaiting(change, job.record.issueId);
    return true;
  }

  /** What a person said while the agent ended is not lost: it hears that first. After triage the work job hears it. */
  #mustHearMore({ record }: JobState): boolean {
    return record.role !== "triage" && this.#parts.conversation.unheard(record.issueId).length > 0;
  }

  /** A pause that the job was told and did not come to holds what follows it. */
  #pauseWaiting(change: Change, issueId: string): void {
    const { jobs } = this.#parts;
    for (const job of jobs.ofIssue(issueId)) {
      if (job.record.status !== "PENDING") continue;
      jobs.save(moveJob(change, job, { status: "PAUSED", pausedReason: "operator" }));
    }
  }

  #storeTriage(change: Change, job: JobState, { triage, byRules }: JobOutcome & { role: "triage" }): void {
    const { issues } = this.#parts;
    issues.save({ ...issues.get(job.record.issueId), triage });
    change.append({
      type: "issue.triaged",
      issueId: job.record.issueId,
      jobId: job.record.id,
      data: { triage, byRules },
    });
  }

  /** The last change that a work job proposed, or the one that a review job read. */
  #changeOf(job: JobState): ProposedChange | null {
    const artifact = this.#changedArtifact(job);
    if (artifact === null) return null;
    const { artifacts, jobs, terms } = this.#parts;
    const paths = artifacts.files(artifact.id).map(({ path }) => path);
    const proposedBy = jobs.find(artifact.jobId);
    return {
      artifactId: artifact.id,
      approver: approverOf(artifact.type, paths, terms.current().slug),
      isRevision: proposedBy !== null && isRevision(proposedBy.record.config),
    };
  }

  #changedArtifact(job: JobState): ArtifactRecord | null {
    const { artifacts } = this.#parts;
    const reviewed = artifactUnderReview(job);
    if (reviewed !== null) return artifacts.find(reviewed);
    if (job.record.role !== "work") return null;
    return artifacts.ofJob(job.record.id).findLast(({ type }) => mustBeReviewed(type)) ?? null;
  }

  #begin(change: Change, job: JobState, outcome: JobOutcome, next: Exclude<NextStep, { kind: "refuse" }>): void {
    switch (next.kind) {
      case "start_work":
        this.#createJob(change, job, { ...next.job, role: "work", config: {}, retryOf: null });
        return;
      case "review_change":
        this.#createJob(change, job, {
          role: "review",
          agentType: "meta.review",
          model: bestModel(this.#parts.terms.current().limits.models),
          modelReason: "best model of the tier",
          config: { [underReviewKey]: next.artifactId },
          retryOf: null,
        });
        return;
      case "send_back":
        rework(change, this.#parts, { artifactId: next.artifactId, by: "review_agent", note: next.note });
        return;
      case "open_review": {
        const agentVerdict =
          outcome.role === "review" ? { decision: outcome.decision, summary: outcome.summary } : null;
        this.#parts.reviews.open(change, { ...next, issueId: job.record.issueId, jobId: job.record.id, agentVerdict });
        return;
      }
      case "done":
    }
  }

  #createJob(
    change: Change,
    { record: { issueId, organizationId, config: earlierConfig } }: JobState,
    order: Omit<Parameters<typeof createJob>[2], "issueId" | "organizationId" | "priority">,
  ): JobState {
    const priority = numericPriority[this.#parts.issues.get(issueId).priority];
    const config = { ...costCeilingConfig(askedMaxCostMicroUsd(earlierConfig)), ...order.config };
    return createJob(change, this.#parts, { ...order, config, issueId, organizationId, priority });
  }
}

function resultOf(outcome: JobOutcome): JsonValue {
  switch (outcome.role) {
    case "triage":
      return { summary: outcome.triage.reason, agentType: outcome.next.agentType, byRules: outcome.byRules };
    case "work":
      return { summary: outcome.summary };
    case "review":
  }
  return { decision: outcome.decision, summary: outcome.summary };
}
