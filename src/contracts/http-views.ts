/** What the HTTP API answers. Times are ISO 8601 text, money is integer micro-dollars. */
import { z } from "zod";
import { errorSpecs, type ErrorCode } from "../core/errors.ts";
import { messageRecordSchema, questionRecordSchema } from "./conversation.ts";
import {
  effectRecordSchema,
  feedbackRecordSchema,
  issueRecordSchema,
  jobErrorSchema,
  jobRecordSchema,
  logRecordSchema,
  reviewRecordSchema,
  stepRecordSchema,
} from "./records.ts";
import { modelNameSchema } from "./models.ts";
import { artifactTypeSchema, blockingLimitSchema, issueStatusSchema } from "./status.ts";
import { organizationLimitsSchema, repositorySchema, tierSchema } from "./terms.ts";

const time = z.iso.datetime();
const optionalTime = time.nullable();

const errorCodes = Object.keys(errorSpecs).filter((code): code is ErrorCode => code in errorSpecs);

export const problemMediaType = "application/problem+json";

/** RFC 9457 problem details. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes),
    detail: z.string(),
    requestId: z.string(),
    /** The fields at fault, when the request was not valid. */
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

const allowanceSchema = z.object({ limit: z.int(), remaining: z.int(), resetAt: time });

export const submitResponseSchema = z
  .object({
    id: z.string(),
    jobId: z.string(),
    status: issueStatusSchema,
    position: z.int(),
    estimatedWaitSeconds: z.int().nullable(),
    trackingUrl: z.url(),
    liveUrl: z.url(),
    /** What is left of the issues of an hour and of a UTC day, after this one. */
    rate: allowanceSchema,
    quota: allowanceSchema,
    /** Fields whose text held secrets, which were replaced before it was stored; one within `context` by its path. */
    redacted: z.array(z.string()),
  })
  .meta({ id: "Submission" });

/** What came of one submission of a batch. */
const batchResultSchema = z
  .object({
    /** Its place in the batch, counted from 0. */
    index: z.int(),
    /** What the submission by itself would have been answered with. */
    status: z.int(),
    submission: submitResponseSchema.nullable(),
    problem: problemSchema.nullable(),
    retryAfterSeconds: z.int().nullable(),
  })
  .meta({ id: "BatchResult" });

export const batchResponseSchema = z.object({ results: z.array(batchResultSchema) });

export const issueViewSchema = issueRecordSchema
  .omit({ notBeforeMs: true, expiresAtMs: true, createdAtMs: true, updatedAtMs: true, context: true })
  .extend({
    context: z.record(z.string(), z.unknown()),
    notBefore: optionalTime,
    expiresAt: optionalTime,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "Issue" });

export const jobViewSchema = jobRecordSchema
  .omit({ startedAtMs: true, completedAtMs: true, createdAtMs: true, updatedAtMs: true, config: true, result: true })
  .extend({
    config: z.record(z.string(), z.unknown()),
    result: z.unknown(),
    startedAt: optionalTime,
    completedAt: optionalTime,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "Job" });

export const reviewViewSchema = reviewRecordSchema
  .omit({ decidedAtMs: true, expiresAtMs: true, createdAtMs: true })
  .extend({ decidedAt: optionalTime, expiresAt: time, createdAt: time })
  .meta({ id: "Review" });

export const effectViewSchema = effectRecordSchema
  .omit({ idempotencyKey: true, createdAtMs: true, updatedAtMs: true })
  .extend({ createdAt: time, updatedAt: time })
  .meta({ id: "Effect" });

export const questionViewSchema = questionRecordSchema
  .omit({ callId: true, askedAtMs: true, expiresAtMs: true, closedAtMs: true })
  .extend({ askedAt: time, expiresAt: optionalTime, closedAt: optionalTime })
  .meta({ id: "Question" });

export const messageViewSchema = messageRecordSchema
  .omit({ sentAtMs: true, heardAtMs: true })
  .extend({ sentAt: time, heardAt: optionalTime })
  .meta({ id: "Message" });

/** What became of a message: it answered the agent's open question, or the agent hears it before its next model call. */
export const messageReceiptSchema = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("answered"), question: questionViewSchema }),
    z.object({ kind: z.literal("sent"), message: messageViewSchema }),
  ])
  .meta({ id: "MessageReceipt" });
export const feedbackViewSchema = feedbackRecordSchema
  .omit({ person: true, createdAtMs: true, updatedAtMs: true })
  .extend({ createdAt: time, updatedAt: time })
  .meta({ id: "Feedback" });

export const stepViewSchema = stepRecordSchema
  .omit({ startedAtMs: true })
  .extend({ startedAt: time })
  .meta({ id: "Step" });

export const logViewSchema = logRecordSchema
  .omit({ atMs: true, data: true })
  .extend({ data: z.unknown(), at: time })
  .meta({ id: "LogLine" });

export const artifactViewSchema = z
  .object({
    id: z.string(),
    jobId: z.string(),
    issueId: z.string(),
    type: artifactTypeSchema,
    name: z.string(),
    content: z.string(),
    filePath: z.string().nullable(),
    diffPatch: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: time,
  })
  .meta({ id: "Artifact" });

/** Send it as `cursor` for the next page; null on the last one. */
const nextCursorSchema = z.string().nullable();

export const issueListSchema = z.object({
  items: z.array(issueViewSchema),
  nextCursor: nextCursorSchema,
  /** True when PostgreSQL could not be read: only issues that it does not hold yet are listed. */
  partial: z.boolean(),
});

export const issueDetailSchema = issueViewSchema
  .extend({
    jobs: z.array(jobViewSchema),
    stepCount: z.int(),
    reviews: z.array(reviewViewSchema),
    effects: z.array(effectViewSchema),
    /** What its agents asked, and what people said to them. */
    questions: z.array(questionViewSchema),
    messages: z.array(messageViewSchema),
    /** What people think of its outcome, one opinion each. */
    feedback: z.array(feedbackViewSchema),
    /** What the issue's next job waits for; null when one runs or none is left. */
    waitingFor: blockingLimitSchema.nullable(),
    /** Set aside for model calls that are under way, beside `costMicroUsd`. */
    reservedMicroUsd: z.int(),
    /** Why the switch that it waits for was set; null when it waits for none. */
    waitingReason: z.string().nullable(),
  })
  .meta({ id: "IssueDetail" });

export const transcriptSchema = z.object({
  jobId: z.string(),
  attempt: z.int(),
  modelId: z.string(),
  /** What every call of the attempt begins with. */
  system: z.string(),
  tools: z.unknown(),
  outputSchema: z.unknown(),
  /** The commit that the attempt's files are laid over, and the branch that it was the head of. */
  baseCommit: z.string().nullable(),
  baseBranch: z.string().nullable(),
  messages: z.array(
    z.object({
      position: z.int(),
      /** Steps that were recorded when it was appended; null for one from before this was kept. */
      afterStep: z.int().nullable(),
      message: z.unknown(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

export const stepListSchema = z.object({ items: z.array(stepViewSchema), nextCursor: nextCursorSchema });
export const logListSchema = z.object({ items: z.array(logViewSchema), nextCursor: nextCursorSchema });
export const artifactListSchema = z.object({ items: z.array(artifactViewSchema), nextCursor: nextCursorSchema });
export const reviewListSchema = z.object({
  items: z.array(reviewViewSchema),
  nextCursor: nextCursorSchema,
  /** True when PostgreSQL could not be read: only reviews that it does not hold yet are listed. */
  partial: z.boolean(),
});

export const platformLogListSchema = z.object({
  items: z.array(logViewSchema.extend({ organizationId: z.string(), issueId: z.string() })),
  nextCursor: nextCursorSchema,
  /** When PostgreSQL was last brought up to date; null when it never was. */
  asOf: optionalTime,
});

export const deadLetterListSchema = z.object({
  items: z.array(
    z.object({
      kind: z.enum(["job", "effect"]),
      id: z.string(),
      issueId: z.string(),
      failedAt: time,
      error: jobErrorSchema,
      /** When a retry of its issue took it up again. */
      redrivenAt: optionalTime,
    }),
  ),
  nextCursor: z.string().nullable(),
});

export const reviewDetailViewSchema = reviewViewSchema
  .extend({
    issue: issueViewSchema,
    artifact: artifactViewSchema,
  })
  .meta({ id: "ReviewDetail" });

const budgetUseSchema = z.object({
  limitMicroUsd: z.int(),
  committedMicroUsd: z.int(),
  /** Set aside for model calls that are under way. */
  reservedMicroUsd: z.int(),
  remainingMicroUsd: z.int(),
  resetAt: time,
});

/** What the organization has used of its limits: issues of the sliding hour and the UTC day, jobs, and money. */
export const quotaSchema = z
  .object({
    rate: allowanceSchema,
    quota: allowanceSchema,
    concurrency: z.object({
      /** The smaller of the organization's limit and the platform's. */
      limit: z.int(),
      running: z.int(),
      /** Jobs that wait, whatever for. */
      waiting: z.int(),
    }),
    budget: z.object({ day: budgetUseSchema, month: budgetUseSchema }),
  })
  .meta({ id: "Quota" });

const ceilingsSchema = z.object({ steps: z.int(), tokens: z.int(), runningSeconds: z.int(), costMicroUsd: z.int() });

const catalogAgentSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    module: z.string(),
    description: z.string(),
    defaultModel: modelNameSchema,
    tools: z.array(z.string()),
    /** What one job of it may use at most. */
    ceilings: ceilingsSchema,
    /** Changes with its definition. */
    version: z.string(),
  })
  .meta({ id: "Agent" });

/** The agents that may be asked for here, and the models that the organization's jobs may run on. */
export const catalogSchema = z.object({ items: z.array(catalogAgentSchema), models: z.array(modelNameSchema) });

const expectedSchema = z.object({
  costMicroUsd: z.int(),
  durationSeconds: z.int(),
  /** `history`: the median of the organization's own latest jobs of this agent on this model; `typical_steps`: a rule. */
  basis: z.enum(["history", "typical_steps"]),
  /** Jobs that the median is of. */
  jobs: z.int(),
});

export const estimateSchema = z
  .object({
    agentType: z.string(),
    model: modelNameSchema,
    modelReason: z.string(),
    /** `triage`: triage decides when the issue is there, and may decide otherwise. */
    decidedBy: z.enum(["caller", "triage"]),
    /** The job that does the work, by itself: triage and review come on top. */
    expected: expectedSchema,
    /** What that job may use at most. */
    ceilings: ceilingsSchema,
    /** Nobody can tell how long it will wait. */
    waitSeconds: z.null(),
  })
  .meta({ id: "Estimate" });

export const organizationViewSchema = z
  .object({
    organizationId: z.string(),
    tier: tierSchema.nullable(),
    slug: z.string().nullable(),
    repository: repositorySchema.nullable(),
    limitOverrides: z.object({ limits: organizationLimitsSchema.partial(), expiresAt: optionalTime }),
    /** What holds now: the tier's limits with the overrides applied. */
    limits: organizationLimitsSchema,
    termsVersion: z.int(),
    demand: z.int(),
    slotsInUse: z.int(),
  })
  .meta({ id: "Organization" });

export const healthSchema = z
  .object({
    status: z.enum(["healthy", "degraded"]),
    version: z.string(),
    checkedAt: time,
    checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string(), durationMs: z.int() })),
    /** Which integrations are configured, and whether submissions are accepted. */
    integrations: z.record(z.string(), z.enum(["on", "off"])),
    submissions: z.enum(["on", "off"]),
    slots: z.object({ total: z.int(), inUse: z.int(), organizationsWaiting: z.int() }).nullable(),
  })
  .meta({ id: "Health" });

export const versionSchema = z.object({
  name: z.literal("spokestack-agents"),
  version: z.string(),
  deploymentId: z.string(),
  deploymentTag: z.string(),
  deployedAt: z.string(),
});
