/** The closed sets of states, the one table of legal job transitions, and the issue status as a pure function. */
import { z } from "zod";

const issueSources = ["MANUAL", "ERP_TRIGGER", "GITHUB", "WEBHOOK", "SCHEDULED"] as const;
const issueTypes = ["BUG", "FEATURE", "ENHANCEMENT", "QUESTION", "TASK", "DEPLOYMENT"] as const;
const issuePriorities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"] as const;
export const issueStatuses = ["PENDING", "QUEUED", "PROCESSING", "REVIEW", "COMPLETED", "FAILED", "CANCELLED"] as const;
export const jobStatuses = ["PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"] as const;
const artifactTypes = [
  "CODE_CHANGE",
  "ANALYSIS",
  "RECOMMENDATION",
  "DOCUMENTATION",
  "PULL_REQUEST",
  "CONFIG",
  "ERP_CHANGE",
] as const;
export const reviewStatuses = ["OPEN", "APPROVED", "REJECTED", "CHANGES_REQUESTED", "EXPIRED", "CANCELLED"] as const;
export const effectStatuses = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;
/** What may be asked of an issue, by people and by switches. */
export const issueCommands = ["cancel", "pause", "resume", "retry"] as const;
/** What a paused job waits for: a person's answer, or the operator who paused it. */
const pausedReasons = ["question", "operator"] as const;
/** What a person says became of an issue. */
const feedbackOutcomes = ["SOLVED", "PARTLY_SOLVED", "NOT_SOLVED"] as const;
const logLevels = ["DEBUG", "INFO", "WARN", "ERROR"] as const;

/** What keeps an issue's next job from running: the order is that in which they are looked at. */
const blockingLimits = [
  "not_before",
  "retry_delay",
  "switch",
  "provider_back_off",
  "budget",
  "concurrency_key",
  "organization_concurrency",
  "global_concurrency",
] as const;

export const issueSourceSchema = z.enum(issueSources);
export const issueTypeSchema = z.enum(issueTypes);
export const issuePrioritySchema = z.enum(issuePriorities);
export const issueStatusSchema = z.enum(issueStatuses);
export const jobStatusSchema = z.enum(jobStatuses);
export const artifactTypeSchema = z.enum(artifactTypes);
export const reviewStatusSchema = z.enum(reviewStatuses);
export const effectStatusSchema = z.enum(effectStatuses);
export const pausedReasonSchema = z.enum(pausedReasons);
export const feedbackOutcomeSchema = z.enum(feedbackOutcomes);
export const logLevelSchema = z.enum(logLevels);
export const blockingLimitSchema = z.enum(blockingLimits);

export type IssueSource = z.infer<typeof issueSourceSchema>;
export type IssueType = z.infer<typeof issueTypeSchema>;
export type IssuePriority = z.infer<typeof issuePrioritySchema>;
export type IssueStatus = z.infer<typeof issueStatusSchema>;
export type JobStatus = z.infer<typeof jobStatusSchema>;
export type ArtifactType = z.infer<typeof artifactTypeSchema>;
type ReviewStatus = z.infer<typeof reviewStatusSchema>;
type EffectStatus = z.infer<typeof effectStatusSchema>;
export type IssueCommandName = (typeof issueCommands)[number];
export type PausedReason = z.infer<typeof pausedReasonSchema>;
/** Why nothing of an issue runs right now; null when something does, or nothing is left to run. */
export type BlockingLimit = z.infer<typeof blockingLimitSchema> | null;
export type LogLevel = z.infer<typeof logLevelSchema>;

/** Whether no job of an issue runs or waits: it has ended, or a person has to decide. */
export function hasNothingToRun(status: IssueStatus): boolean {
  return status !== "PENDING" && status !== "QUEUED" && status !== "PROCESSING";
}

/** The numeric priority that jobs are ordered by; smaller is more urgent. */
export const numericPriority: Readonly<Record<IssuePriority, number>> = { CRITICAL: 1, HIGH: 2, MEDIUM: 5, LOW: 10 };

const jobTransitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  PENDING: ["RUNNING", "PAUSED", "FAILED", "CANCELLED"],
  RUNNING: ["PENDING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"],
  PAUSED: ["PENDING", "RUNNING", "FAILED", "CANCELLED"],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

/** Statuses of an issue that is still worked on or waits for somebody. */
export const openIssueStatuses: readonly IssueStatus[] = ["PENDING", "QUEUED", "PROCESSING", "REVIEW"];

/** Whether a job may go from one status to another; a terminal status never changes. */
export function isLegalJobTransition(from: JobStatus, to: JobStatus): boolean {
  return jobTransitions[from].includes(to);
}

export function isTerminalJobStatus(status: JobStatus): boolean {
  return jobTransitions[status].length === 0;
}

export interface IssueStatusInput {
  /** `dispatched`: whether the job was ever sent to a queue. `replaced`: another job names it in `retryOf`. */
  readonly jobs: readonly {
    readonly status: JobStatus;
    readonly dispatched: boolean;
    readonly replaced: boolean;
    readonly notBeforeMs: number | null;
  }[];
  readonly reviews: readonly { readonly status: ReviewStatus }[];
  readonly effects: readonly { readonly status: EffectStatus; readonly redriven: boolean }[];
  readonly nowMs: number;
}

/**
 * The status of an issue as a pure function of its parts; the first matching rule wins. Only a command cancels parts, and
 * it leaves none of them alive, so one that is cancelled and was not done again cancels the issue.
 */
export function issueStatusOf(input: IssueStatusInput): IssueStatus {
  const jobs = input.jobs.filter((job) => !job.replaced);
  const effects = input.effects.filter((effect) => !effect.redriven);
  const [only] = input.jobs;

  if (jobs.some((job) => job.status === "RUNNING" || job.status === "PAUSED")) return "PROCESSING";
  if (effects.some((effect) => effect.status === "PENDING" || effect.status === "RUNNING")) return "PROCESSING";
  if (input.reviews.some((review) => review.status === "OPEN")) return "REVIEW";
  if (
    input.jobs.length === 1 &&
    only?.status === "PENDING" &&
    !only.dispatched &&
    (only.notBeforeMs ?? 0) > input.nowMs
  ) {
    return "PENDING";
  }
  if (jobs.some((job) => job.status === "PENDING")) return "QUEUED";
  if ([...jobs, ...effects, ...input.reviews].some((part) => part.status === "CANCELLED")) return "CANCELLED";
  if (jobs.some((job) => job.status === "FAILED") || effects.some((effect) => effect.status === "FAILED"))
    return "FAILED";
  const closed = input.reviews.filter((review) => review.status !== "CHANGES_REQUESTED");
  if (closed.length > 0 && closed.every((review) => review.status === "REJECTED" || review.status === "EXPIRED")) {
    return "CANCELLED";
  }
  return "COMPLETED";
}
