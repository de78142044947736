/** The organization's numbered events: the live stream, and the outbox that Postgres rows are projected from. */
import { z } from "zod";
import { messageRecordSchema, questionRecordSchema } from "./conversation.ts";
import { modelNameSchema } from "./models.ts";
import {
  artifactRecordSchema,
  effectRecordSchema,
  feedbackRecordSchema,
  issueRecordSchema,
  jobErrorSchema,
  jobRecordSchema,
  jsonValueSchema,
  logRecordSchema,
  reviewRecordSchema,
  stepRecordSchema,
  tokenUsageSchema,
  triageViewSchema,
} from "./records.ts";
import {
  blockingLimitSchema,
  issueCommands,
  issueStatusSchema,
  jobStatusSchema,
  pausedReasonSchema,
} from "./status.ts";

const eventData = {
  "issue.submitted": z.object({ issue: issueRecordSchema }),
  "issue.status_changed": z.object({ from: issueStatusSchema, status: issueStatusSchema }),
  /** What a person, or a switch, asked of an issue; the events after it tell what came of it. */
  "issue.commanded": z.object({
    command: z.enum(issueCommands),
    actor: z.string(),
    reason: z.string().nullable(),
  }),
  /**
   * A new job waits for a slot (`global_concurrency`) and a dispatched one for nothing, without this being told; whatever
   * else holds an issue up is.
   */
  "issue.waiting_changed": z.object({ waitingFor: blockingLimitSchema.nullable() }),
  "issue.triaged": z.object({ triage: triageViewSchema, byRules: z.boolean() }),
  "job.created": z.object({ job: jobRecordSchema }),
  "job.dispatched": z.object({ dispatchId: z.string(), slotNumber: z.int() }),
  "job.slice_started": z.object({ epoch: z.int(), dispatchId: z.string() }),
  "job.slice_ended": z.object({ epoch: z.int(), how: z.enum(["yielded", "lease_expired"]) }),
  /** What a running slice was told to do at its next checkpoint; `none` takes it back. */
  "job.signalled": z.object({ epoch: z.int(), signal: z.enum(["none", "pause", "yield"]) }),
  "job.attempt_started": z.object({ attempt: z.int(), modelId: z.string(), baseCommit: z.string().nullable() }),
  /** The next attempt runs on another model; one that no failure of the job calls for adds an attempt. */
  "job.model_changed": z.object({ model: modelNameSchema, modelReason: z.string(), maxAttempts: z.int() }),
  "job.status_changed": z.object({
    from: jobStatusSchema,
    status: jobStatusSchema,
    pausedReason: pausedReasonSchema.nullable().default(null),
    attempts: z.int(),
    startedAtMs: z.int().nullable(),
    completedAtMs: z.int().nullable(),
    error: jobErrorSchema.nullable(),
    result: jsonValueSchema.nullable(),
  }),
  "step.recorded": z.object({ step: stepRecordSchema, jobCostMicroUsd: z.int(), issueCostMicroUsd: z.int() }),
  /** A model call without an answer: what is charged for it is what was seen of it, or all that was reserved. */
  "job.cost_estimated": z.object({
    attempt: z.int(),
    stepNumber: z.int(),
    usage: tokenUsageSchema.nullable(),
    costMicroUsd: z.int(),
    estimated: z.literal(true),
    jobCostMicroUsd: z.int(),
    issueCostMicroUsd: z.int(),
  }),
  /** Most of the organization's budget is spent; written once a period, with the job that came to it. */
  "budget.alert": z.object({
    period: z.enum(["day", "month"]),
    startMs: z.int(),
    limitMicroUsd: z.int(),
    committedMicroUsd: z.int(),
  }),
  "log.written": z.object({ log: logRecordSchema }),
  "artifact.created": z.object({ artifact: artifactRecordSchema }),
  "review.opened": z.object({ review: reviewRecordSchema }),
  "review.decided": z.object({ review: reviewRecordSchema }),
  "question.asked": z.object({ question: questionRecordSchema }),
  "question.closed": z.object({ question: questionRecordSchema }),
  "message.sent": z.object({ message: messageRecordSchema }),
  /** They stand in the transcript of the event's job from now on. */
  "message.heard": z.object({ messageIds: z.array(z.string()), attempt: z.int() }),
  "feedback.given": z.object({ feedback: feedbackRecordSchema }),
  "effect.created": z.object({ effect: effectRecordSchema }),
  "effect.changed": z.object({ effect: effectRecordSchema }),
} as const;

export type EventType = keyof typeof eventData;
export type EventDataOf<Type extends EventType> = z.infer<(typeof eventData)[Type]>;

/** Events that tell how the work was carried, not what came of it; two equal runs may differ in them. */
export const transportEventTypes: ReadonlySet<EventType> = new Set<EventType>([
  "issue.waiting_changed",
  "job.dispatched",
  "job.slice_started",
  "job.slice_ended",
  "job.signalled",
  "job.cost_estimated",
  "budget.alert",
]);

interface EventEnvelope {
  /** Counts from 1 without gaps within one incarnation of the organization's storage. */
  readonly seq: number;
  readonly atMs: number;
  readonly issueId: string;
  readonly jobId: string | null;
}

/** One event; `type` decides the shape of `data`. */
export type OrganizationEvent = {
  [Type in EventType]: EventEnvelope & { readonly type: Type; readonly data: EventDataOf<Type> };
}[EventType];

/** What a part of the object appends; the log adds number and time. */
export type NewEvent = {
  [Type in EventType]: {
    readonly type: Type;
    readonly issueId: string;
    readonly jobId: string | null;
    readonly data: EventDataOf<Type>;
  };
}[EventType];

const envelope = { seq: z.int().min(1), atMs: z.int(), issueId: z.string(), jobId: z.string().nullable() };

function eventSchema<Type extends EventType>(type: Type) {
  return z.object({ ...envelope, type: z.literal(type), data: eventData[type] });
}

/** Parses a stored or received event; throws `ZodError` when it has an unknown type or shape. */
export const organizationEventSchema = z.discriminatedUnion("type", [
  eventSchema("issue.submitted"),
  eventSchema("issue.status_changed"),
  eventSchema("issue.commanded"),
  eventSchema("issue.waiting_changed"),
  eventSchema("issue.triaged"),
  eventSchema("job.created"),
  eventSchema("job.dispatched"),
  eventSchema("job.slice_started"),
  eventSchema("job.slice_ended"),
  eventSchema("job.signalled"),
  eventSchema("job.attempt_started"),
  eventSchema("job.model_changed"),
  eventSchema("job.status_changed"),
  eventSchema("step.recorded"),
  eventSchema("job.cost_estimated"),
  eventSchema("budget.alert"),
  eventSchema("log.written"),
  eventSchema("artifact.created"),
  eventSchema("review.opened"),
  eventSchema("review.decided"),
  eventSchema("question.asked"),
  eventSchema("question.closed"),
  eventSchema("message.sent"),
  eventSchema("message.heard"),
  eventSchema("feedback.given"),
  eventSchema("effect.created"),
  eventSchema("effect.changed"),
]) satisfies z.ZodType<OrganizationEvent>;

/** Position in an organization's log. A storage that began anew has another incarnation. */
export interface EventCursor {
  readonly incarnation: string;
  readonly seq: number;
}
