/** Rows of Postgres as the records that they project. Each is parsed: a row that is none of ours throws `ZodError`. */
import {
  messageRecordSchema,
  questionRecordSchema,
  type MessageRecord,
  type QuestionRecord,
} from "../contracts/conversation.ts";
import type { ArtifactView } from "../contracts/organization-rpc.ts";
import {
  artifactRecordSchema,
  effectRecordSchema,
  feedbackRecordSchema,
  issueRecordSchema,
  jobRecordSchema,
  logRecordSchema,
  reviewRecordSchema,
  stepRecordSchema,
  type EffectRecord,
  type FeedbackRecord,
  type IssueRecord,
  type JobRecord,
  type LogRecord,
  type ReviewRecord,
  type StepRecord,
} from "../contracts/records.ts";
import type {
  AgentArtifact,
  AgentEffect,
  AgentFeedback,
  AgentIssue,
  AgentJob,
  AgentLog,
  AgentMessage,
  AgentQuestion,
  AgentReview,
  AgentStep,
} from "./generated/client.ts";

export function issueRecord(row: AgentIssue): IssueRecord {
  return issueRecordSchema.parse({
    ...row,
    costMicroUsd: Number(row.costMicroUsd),
    notBeforeMs: row.notBefore?.getTime() ?? null,
    expiresAtMs: row.expiresAt?.getTime() ?? null,
    createdAtMs: row.createdAt.getTime(),
    updatedAtMs: row.updatedAt.getTime(),
  });
}

export function jobRecord(row: AgentJob): JobRecord {
  return jobRecordSchema.parse({
    ...row,
    error: jobError(row),
    costMicroUsd: Number(row.costMicroUsd),
    startedAtMs: row.startedAt?.getTime() ?? null,
    completedAtMs: row.completedAt?.getTime() ?? null,
    createdAtMs: row.createdAt.getTime(),
    updatedAtMs: row.updatedAt.getTime(),
  });
}

export function stepRecord(row: AgentStep): StepRecord {
  const { inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens } = row;
  return stepRecordSchema.parse({
    ...row,
    startedAtMs: row.startedAt.getTime(),
    reservedMicroUsd: row.reservedMicroUsd === null ? null : Number(row.reservedMicroUsd),
    costMicroUsd: Number(row.costMicroUsd),
    usage: inputTokens === null ? null : { inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens },
  });
}

export function logRecord(row: AgentLog): LogRecord {
  return logRecordSchema.parse({ ...row, atMs: row.timestamp.getTime() });
}

export function artifactView(row: AgentArtifact): ArtifactView {
  const artifact = artifactRecordSchema.parse({ ...row, createdAtMs: row.createdAt.getTime() });
  return { artifact, content: row.content, diffPatch: row.diffPatch };
}

export function reviewRecord(row: AgentReview): ReviewRecord {
  return reviewRecordSchema.parse({
    ...row,
    decidedAtMs: row.decidedAt?.getTime() ?? null,
    expiresAtMs: row.expiresAt.getTime(),
    createdAtMs: row.createdAt.getTime(),
  });
}

export function questionRecord(row: AgentQuestion): QuestionRecord {
  return questionRecordSchema.parse({
    ...row,
    askedAtMs: row.askedAt.getTime(),
    expiresAtMs: row.expiresAt?.getTime() ?? null,
    closedAtMs: row.closedAt?.getTime() ?? null,
  });
}

export function messageRecord(row: AgentMessage): MessageRecord {
  const heardAtMs = row.heardAt?.getTime() ?? null;
  return messageRecordSchema.parse({ ...row, sentAtMs: row.sentAt.getTime(), heardAtMs });
}

export function feedbackRecord(row: AgentFeedback): FeedbackRecord {
  return feedbackRecordSchema.parse({
    ...row,
    createdAtMs: row.createdAt.getTime(),
    updatedAtMs: row.updatedAt.getTime(),
  });
}

export function effectRecord(row: AgentEffect): EffectRecord {
  return effectRecordSchema.parse({
    ...row,
    error: jobError(row),
    createdAtMs: row.createdAt.getTime(),
    updatedAtMs: row.updatedAt.getTime(),
  });
}

function jobError(row: { readonly error: string | null; readonly errorReason: string | null }) {
  return row.errorReason === null ? null : { reason: row.errorReason, message: row.error ?? "" };
}
