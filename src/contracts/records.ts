/** The records of an organization as its object keeps them, its events carry them and Postgres projects them. */
import { z } from "zod";
import type { TokenUsage } from "../core/money.ts";
import { modelNameSchema } from "./models.ts";
import {
  artifactTypeSchema,
  effectStatusSchema,
  feedbackOutcomeSchema,
  issuePrioritySchema,
  issueSourceSchema,
  issueStatusSchema,
  issueTypeSchema,
  jobStatusSchema,
  logLevelSchema,
  pausedReasonSchema,
  reviewStatusSchema,
} from "./status.ts";
import { repositorySchema } from "./terms.ts";

/** Any JSON value; what `context`, `config` and `result` hold. */
export const jsonValueSchema = z.json();
export type JsonValue = z.infer<typeof jsonValueSchema>;

const permissionLevels = ["ADMIN", "LEADERSHIP", "TEAM_LEAD", "STAFF", "FREELANCER", "CLIENT"] as const;
export const permissionLevelSchema = z.enum(permissionLevels);
export type PermissionLevel = z.infer<typeof permissionLevelSchema>;

/** What triage found; kept beside the caller's own words, never over them. */
export const triageViewSchema = z.object({
  type: issueTypeSchema,
  priority: issuePrioritySchema,
  module: z.string(),
  complexity: z.int().min(1).max(10),
  agent: z.string(),
  confidence: z.number().min(0).max(1),
  reason: z.string(),
  estimate: z.object({ costMicroUsd: z.int().min(0), durationSeconds: z.int().min(0) }),
});
export type TriageView = z.infer<typeof triageViewSchema>;

export const issueRecordSchema = z.object({
  id: z.string(),
  organizationId: z.string(),
  externalId: z.string().nullable(),
  source: issueSourceSchema,
  type: issueTypeSchema,
  priority: issuePrioritySchema,
  title: z.string(),
  description: z.string(),
  context: z.record(z.string(), jsonValueSchema),
  status: issueStatusSchema,
  /** The ERP's `users.id`, or null for a submission that no user made. */
  createdById: z.string().nullable(),
  /** Permission level of the submitter, fixed at admission; what the issue's agents may read follows from it. */
  submitterLevel: permissionLevelSchema,
  requestedAgentType: z.string().nullable(),
  requestedModel: modelNameSchema.nullable(),
  /** Nothing of it starts earlier. Events written before there was scheduling name none of the three. */
  notBeforeMs: z.int().nullable().default(null),
  /** What still waits then is given up. */
  expiresAtMs: z.int().nullable().default(null),
  /** Of the issues with one key, one is worked on at a time. */
  concurrencyKey: z.string().nullable().default(null),
  triage: triageViewSchema.nullable(),
  correlationId: z.string(),
  costMicroUsd: z.int().min(0),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type IssueRecord = z.infer<typeof issueRecordSchema>;

const jobRoles = ["triage", "work", "review"] as const;
const jobRoleSchema = z.enum(jobRoles);
export type JobRole = z.infer<typeof jobRoleSchema>;

export const jobErrorSchema = z.object({
  /** Named stop or failure class, such as `refused` or `transient`. */
  reason: z.string(),
  message: z.string(),
});
export type JobError = z.infer<typeof jobErrorSchema>;

export const jobRecordSchema = z.object({
  id: z.string(),
  issueId: z.string(),
  organizationId: z.string(),
  role: jobRoleSchema,
  agentType: z.string(),
  model: modelNameSchema,
  /** Why this model was chosen. */
  modelReason: z.string(),
  status: jobStatusSchema,
  /** Null unless it is paused. Events written before there was a pause do not name it. */
  pausedReason: pausedReasonSchema.nullable().default(null),
  priority: z.int(),
  /** Attempts begun; only a failure begins another. */
  attempts: z.int().min(0),
  maxAttempts: z.int().min(1),
  startedAtMs: z.int().nullable(),
  completedAtMs: z.int().nullable(),
  error: jobErrorSchema.nullable(),
  config: z.record(z.string(), jsonValueSchema),
  result: jsonValueSchema.nullable(),
  /** The job that this one does again. */
  retryOf: z.string().nullable(),
  costMicroUsd: z.int().min(0),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

export const tokenUsageSchema = z.object({
  inputTokens: z.int().min(0),
  cacheWriteTokens: z.int().min(0),
  cacheReadTokens: z.int().min(0),
  outputTokens: z.int().min(0),
}) satisfies z.ZodType<TokenUsage>;

/** Whether a tool call was carried out: the agent has no such tool, or policy refused what was asked of it. */
const policyDecisions = ["allowed", "not_available", "refused"] as const;
const policyDecisionSchema = z.enum(policyDecisions);
export type PolicyDecision = z.infer<typeof policyDecisionSchema>;

/** One model call or one tool call of an attempt. */
export const stepRecordSchema = z.object({
  jobId: z.string(),
  attempt: z.int().min(1),
  /** Counts from 1 within the attempt, in order. */
  number: z.int().min(1),
  kind: z.enum(["model", "tool"]),
  /** API id of the model, or name of the tool. */
  name: z.string(),
  /** Bounded text: the tool's input as JSON, or what the model was asked last. */
  input: z.string(),
  /** Size of the whole input, in UTF-16 code units. Steps recorded before this was kept do not say. */
  inputCharacters: z.int().min(0).nullable().default(null),
  /** Bounded text: the tool's output, or the model's words. */
  output: z.string(),
  isError: z.boolean(),
  /** Null for a model call. */
  policy: policyDecisionSchema.nullable().default(null),
  startedAtMs: z.int(),
  durationMs: z.int().min(0),
  usage: tokenUsageSchema.nullable(),
  /** What was set aside for a model call before it was made. */
  reservedMicroUsd: z.int().min(0).nullable().default(null),
  costMicroUsd: z.int().min(0),
  stopReason: z.string().nullable(),
});
export type StepRecord = z.infer<typeof stepRecordSchema>;

export const logRecordSchema = z.object({
  id: z.string(),
  jobId: z.string(),
  level: logLevelSchema,
  message: z.string(),
  data: jsonValueSchema.nullable(),
  atMs: z.int(),
});
export type LogRecord = z.infer<typeof logRecordSchema>;

/** A result. Large texts are bodies of their own, fetched by id. */
export const artifactRecordSchema = z.object({
  id: z.string(),
  jobId: z.string(),
  issueId: z.string(),
  type: artifactTypeSchema,
  name: z.string(),
  contentBodyId: z.string(),
  filePath: z.string().nullable(),
  diffPatchBodyId: z.string().nullable(),
  metadata: z.record(z.string(), jsonValueSchema),
  createdAtMs: z.int(),
});
export type ArtifactRecord = z.infer<typeof artifactRecordSchema>;

const reviewerKinds = ["organization", "platform"] as const;

export const reviewRecordSchema = z.object({
  id: z.string(),
  issueId: z.string(),
  artifactId: z.string(),
  status: reviewStatusSchema,
  /** Who must decide: a reviewer of the organization, or a platform administrator. */
  approver: z.enum(reviewerKinds),
  /** SHA-256 (hex) over what is approved; a decision must name it. */
  contentHash: z.string(),
  /** What `meta.review` said, if it ran. */
  agentVerdict: z.object({ decision: z.enum(["pass", "send_back"]), summary: z.string() }).nullable(),
  decidedBy: z.string().nullable(),
  decidedAtMs: z.int().nullable(),
  note: z.string().nullable(),
  expiresAtMs: z.int(),
  createdAtMs: z.int(),
});
export type ReviewRecord = z.infer<typeof reviewRecordSchema>;

/** What one person thinks of an issue's outcome. */
export const feedbackRecordSchema = z.object({
  issueId: z.string(),
  /** The same for everything that he asks; one opinion each. */
  person: z.string(),
  /** The name that it is shown under. */
  givenBy: z.string(),
  /** 1–5. */
  rating: z.int().min(1).max(5),
  outcome: feedbackOutcomeSchema,
  tags: z.array(z.string()),
  comment: z.string().nullable(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type FeedbackRecord = z.infer<typeof feedbackRecordSchema>;

const effectKinds = ["pull_request"] as const;

const pullRequestResultSchema = z.object({
  number: z.int(),
  url: z.string(),
  branch: z.string(),
  commit: z.string(),
});
export type PullRequestResult = z.infer<typeof pullRequestResultSchema>;

/** What a debugged effect would have done; nothing of it left. */
const dryRunSchema = z.object({
  repository: repositorySchema,
  baseBranch: z.string(),
  baseCommit: z.string(),
  branch: z.string(),
  title: z.string(),
  paths: z.array(z.string()),
});

export const effectRecordSchema = z.object({
  id: z.string(),
  issueId: z.string(),
  artifactId: z.string(),
  kind: z.enum(effectKinds),
  /** One effect per key, however often it is asked for. */
  idempotencyKey: z.string(),
  /** The effect that this one does again. Events written before there was a redrive do not name it. */
  redriveOf: z.string().nullable().default(null),
  status: effectStatusSchema,
  attempts: z.int().min(0),
  result: pullRequestResultSchema.nullable(),
  /** The plan of an effect that was completed as a dry run. Events written before there were any do not name it. */
  dryRun: dryRunSchema.nullable().default(null),
  error: jobErrorSchema.nullable(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type EffectRecord = z.infer<typeof effectRecordSchema>;

/** A file that a job changed; `content` null means deleted. */
export interface WorkspaceChange {
  readonly path: string;
  readonly content: string | null;
}

/** How a file differs from the commit that the job's files are laid over. */
export interface FileDifference {
  readonly change: "added" | "modified" | "deleted";
  readonly additions: number;
  readonly deletions: number;
  /** As Git would print it; null when it is too large to be kept, or shows a secret. */
  readonly patch: string | null;
}

/** A changed file as a checkpoint brings it. */
export interface SavedFile extends WorkspaceChange {
  /** Null when it is as it was. A slice of an earlier release does not say. */
  readonly difference?: FileDifference | null;
}

/** The commit and pull request of an approved change, fixed before the first outside call. */
const pullRequestPlanSchema = z.object({
  repository: repositorySchema,
  baseBranch: z.string(),
  baseCommit: z.string(),
  branch: z.string(),
  commitMessage: z.string(),
  author: z.object({ name: z.string(), email: z.string(), dateIso: z.string() }),
  title: z.string(),
  body: z.string(),
  files: z.array(z.object({ path: z.string(), content: z.string().nullable() })),
});
export type PullRequestPlan = z.infer<typeof pullRequestPlanSchema>;
