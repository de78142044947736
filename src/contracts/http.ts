/** What the HTTP API takes: one schema per body, query and path; unknown fields are refused by name. */
import { z } from "zod";
import { idPattern, type IdKind } from "../core/ids.ts";
import { questionLimits } from "./conversation.ts";
import { modelNameSchema } from "./models.ts";
import type { JsonValue } from "./records.ts";
import { feedbackOutcomeSchema, issuePrioritySchema, issueTypeSchema } from "./status.ts";
import { organizationLimitsSchema, repositorySchema, tierSchema } from "./terms.ts";

export const apiBasePath = "/api/agents";
export const dashboardPath = "/admin/agents";

/** By which a platform administrator says for which organization he acts. */
export const organizationHeader = "X-Organization-Id";
/** By which an ERP API key says in which user's name it is used. */
export const actingUserHeader = "X-Acting-User-Id";
/** Set by a browser's sign-in; with the prefix it goes back to this host alone, over a secure connection. */
export const sessionCookie = "__Host-agents-session";
export const requestIdHeader = "X-Request-Id";
export const idempotencyKeyHeader = "Idempotency-Key";
export const idempotencyReplayedHeader = "Idempotency-Replayed";
export const rateLimitHeader = "RateLimit";
export const rateLimitPolicyHeader = "RateLimit-Policy";

/** On every POST that creates: the same key and body get the same answer for 24 hours. */
const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/u, { error: "must be 1 to 255 visible ASCII characters" });
export const idempotencyHeadersSchema = z.object({ "idempotency-key": idempotencyKeySchema.optional() });

/** The query of a route that takes none: a parameter that nobody knows is refused, not ignored. */
export const noQuerySchema = z.strictObject({});

/** Bounds of every body: its size, how deep it nests, how many fields it has in all, and how long their names are. */
export const maxBodyBytes = 256 * 1024;
export const maxBodyDepth = 32;
export const maxBodyFields = 10_000;
export const maxFieldNameLength = 256;

const maxPageSize = 100;
const maxDescriptionBytes = 50 * 1024;
const maxJobCostMicroUsd = 1_000_000_000;

/** What a body was parsed from can hold nothing but JSON, so its parts are not walked once more. */
const contextSchema = z.record(z.string(), z.custom<JsonValue>());

const descriptionSchema = z
  .string()
  .trim()
  .min(1)
  .max(maxDescriptionBytes)
  .refine((text) => new TextEncoder().encode(text).byteLength <= maxDescriptionBytes, {
    error: `must be at most ${maxDescriptionBytes} bytes of UTF-8`,
  });

export const timeSchema = z.iso.datetime({ offset: true });

export const submitRequestSchema = z
  .strictObject({
    type: issueTypeSchema,
    title: z.string().trim().min(1).max(200),
    description: descriptionSchema,
    priority: issuePrioritySchema.default("MEDIUM"),
    context: contextSchema.default({}),
    externalId: z.string().trim().min(1).max(200).optional(),
    /** `module.agent`: does the work without triage. */
    agentType: z
      .string()
      .max(100)
      .regex(/^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/u)
      .optional(),
    model: modelNameSchema.optional(),
    /** The work starts no earlier. */
    notBefore: timeSchema.optional(),
    /** Work that has not begun by then is given up. */
    expiresAt: timeSchema.optional(),
    /** Of the issues with the same key, one is worked on at a time. */
    concurrencyKey: z.string().trim().min(1).max(200).optional(),
    /** What one job of the issue may cost. */
    maxCostMicroUsd: z.int().min(1).max(maxJobCostMicroUsd).optional(),
  })
  .meta({ id: "SubmitRequest" });
export type SubmitRequest = z.infer<typeof submitRequestSchema>;

/** One submission of a batch. With a key of its own it is the same request as a single submission with that key. */
export const batchItemSchema = submitRequestSchema
  .extend({ idempotencyKey: idempotencyKeySchema.optional() })
  .meta({ id: "BatchItem" });

const maxBatchItems = 100;

/** Each item is looked at by itself: one that is no submission is answered as that, and the others are taken. */
export const batchRequestSchema = z.strictObject({
  issues: z
    .array(z.union([z.unknown(), batchItemSchema]))
    .min(1)
    .max(maxBatchItems),
});

/** What an issue would be, as far as its estimate depends on it. */
export const estimateRequestSchema = submitRequestSchema
  .pick({
    type: true,
    title: true,
    description: true,
    priority: true,
    agentType: true,
    model: true,
    maxCostMicroUsd: true,
  })
  .meta({ id: "EstimateRequest" });
export type EstimateRequest = z.infer<typeof estimateRequestSchema>;

export const limitSchema = z.coerce.number().int().min(1).max(maxPageSize);

export const liveQuerySchema = z.strictObject({
  /** Number of the last event seen: everything after it is replayed first. */
  after: z.coerce.number().int().min(0).optional(),
  /** The `incarnation` of the hello in whose stream that number stood. */
  incarnation: z.string().max(100).optional(),
  issueId: z.string().regex(idPattern("issue")).optional(),
  /** From `POST /live/tickets`, in place of another credential. */
  ticket: z.string().max(4_096).optional(),
});

/** A path parameter `id`; its form says nothing about existence, so a malformed one is simply not found. */
export const idParamsSchema = z.object({ id: z.string() });

/** Whether a text has the form of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return idPattern(kind).test(text);
}

export const reviewDecisionRequestSchema = z
  .strictObject({
    decision: z.enum(["approve", "reject", "request_changes"]),
    note: z.string().trim().max(2_000).nullable().default(null),
    /** The hash that was shown to the reviewer; the decision counts for that content only. */
    contentHash: z.string().regex(/^[0-9a-f]{64}$/u),
  })
  .refine(({ decision, note }) => decision !== "request_changes" || (note !== null && note !== ""), {
    error: "must say what should be changed",
    path: ["note"],
  });

/** The body of a command on an issue; every field of it, and it as a whole, may be left out. */
export const commandRequestSchema = z.strictObject({ reason: z.string().trim().min(1).max(500).optional() });

/** The body of a retry: with `fromStep`, an attempt is replayed from that step, on another model or with a note if asked. */
export const retryRequestSchema = commandRequestSchema
  .extend({
    /** The step of the attempt that is done again; everything before it stays. */
    fromStep: z.int().min(1).max(10_000).optional(),
    /** The job of that step; without it, the last work of the issue. */
    jobId: z.string().regex(idPattern("job")).optional(),
    /** The attempt of that step; without it, the last one of the job. */
    attempt: z.int().min(1).max(100).optional(),
    model: modelNameSchema.optional(),
    /** What the agent is told before its next model call. */
    note: z.string().trim().min(1).max(4_000).optional(),
  })
  .superRefine(({ fromStep, reason: _reason, ...replay }, context) => {
    if (fromStep !== undefined) return;
    for (const [field, value] of Object.entries(replay)) {
      if (value === undefined) continue;
      context.addIssue({ code: "custom", path: [field], message: "is for a replay: name `fromStep` too" });
    }
  });
export type RetryRequest = z.infer<typeof retryRequestSchema>;

export const transcriptQuerySchema = z.strictObject({
  /** The job whose transcript it is; without it, the last work of the issue. */
  jobId: z.string().regex(idPattern("job")).optional(),
  /** The attempt; without it, the last one of the job. */
  attempt: z.coerce.number().int().min(1).max(100).optional(),
  /** `nextCursor` of the page before: the number of its last message. */
  cursor: z.coerce.number().int().min(0).max(1_000_000).optional(),
  limit: limitSchema.default(50),
});

/** The answer to an agent's open question, or something to tell the agent. */
export const messageRequestSchema = z.strictObject({
  text: z.string().trim().min(1).max(questionLimits.answerCharacters),
  /** The open question that is meant; without it, whichever is open. */
  questionId: z.string().regex(idPattern("question")).optional(),
  /** Whose words they are, when a platform administrator passes them on. */
  answeredBy: z.string().trim().min(1).max(200).optional(),
});
export type MessageRequest = z.infer<typeof messageRequestSchema>;
const maxFeedbackTags = 20;

/** What a person thinks of an issue's outcome; the whole of it, for it replaces what he said before. */
export const feedbackRequestSchema = z
  .strictObject({
    rating: z.int().min(1).max(5),
    outcome: feedbackOutcomeSchema,
    tags: z
      .array(z.string().trim().min(1).max(50))
      .max(maxFeedbackTags)
      .refine((tags) => new Set(tags).size === tags.length, { error: "must not hold the same tag twice" })
      .default([]),
    comment: z.string().trim().min(1).max(2_000).nullable().default(null),
  })
  .meta({ id: "FeedbackRequest" });

export const listDeadLettersQuerySchema = z.strictObject({
  cursor: z.string().max(100).optional(),
  limit: limitSchema.default(20),
});

/** An ERP organization's id, in a path, a header or a claim. It names the organization's object. */
export const organizationIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/u);

export const organizationParamsSchema = z.object({ id: organizationIdSchema });

/** The whole settings of an organization: what is left out goes back to its default. */
export const putOrganizationRequestSchema = z
  .strictObject({
    tier: tierSchema.nullable().default(null),
    /** Name of the organization's own files in the repository; a path is built from it. */
    slug: z
      .string()
      .max(63)
      .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/u)
      .nullable()
      .default(null),
    repository: repositorySchema.strict().nullable().default(null),
    /** Limits that replace those of the tier, until a time in the future or for good. */
    limitOverrides: z
      .strictObject({
        limits: organizationLimitsSchema.partial().strict(),
        expiresAt: timeSchema.nullable().default(null),
      })
      .default({ limits: {}, expiresAt: null }),
  })
  .meta({ id: "OrganizationSettings" });
export type PutOrganizationRequest = z.infer<typeof putOrganizationRequestSchema>;
