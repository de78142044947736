/** Records of an organization as the rows that remember them. */
import type { MessageRecord, QuestionRecord } from "../contracts/conversation.ts";
import { agentTypeOf, moduleOf } from "../contracts/issue-filter.ts";
import type {
  ArtifactRecord,
  EffectRecord,
  FeedbackRecord,
  IssueRecord,
  JobError,
  JobRecord,
  JsonValue,
  LogRecord,
  ReviewRecord,
  StepRecord,
} from "../contracts/records.ts";
import { moduleOf as moduleOfAgent } from "../contracts/switch-evaluation.ts";
import type { TokenUsage } from "../core/money.ts";
import { Prisma, type AgentJob } from "./generated/client.ts";

/** A text that Postgres can hold: it has no place for NUL, nor for half a surrogate pair. */
export function storableText(text: string): string {
  return text.replaceAll("\0", "\u{fffd}").toWellFormed();
}

/** A JSON column's value; null is an absent value, never JSON's own `null`. */
export function jsonColumn(value: JsonValue): Prisma.InputJsonValue | typeof Prisma.DbNull {
  return value ?? Prisma.DbNull;
}

export function errorColumns(error: JobError | null): { error: string | null; errorReason: string | null } {
  return { error: error?.message ?? null, errorReason: error?.reason ?? null };
}

export function timeOrNull(epochMs: number | null): Date | null {
  return epochMs === null ? null : new Date(epochMs);
}

export function issueRow(issue: IssueRecord): Prisma.AgentIssueUncheckedCreateInput {
  const { notBeforeMs, expiresAtMs, createdAtMs, updatedAtMs, context, triage, ...columns } = issue;
  return {
    ...columns,
    agentType: agentTypeOf(issue),
    module: moduleOf(issue),
    context,
    triage: jsonColumn(triage),
    notBefore: timeOrNull(notBeforeMs),
    expiresAt: timeOrNull(expiresAtMs),
    createdAt: new Date(createdAtMs),
    updatedAt: new Date(updatedAtMs),
  };
}

export function jobRow(job: JobRecord): Prisma.AgentJobUncheckedCreateInput {
  const { createdAtMs, updatedAtMs, startedAtMs, completedAtMs, error, result, ...columns } = job;
  return {
    ...columns,
    ...errorColumns(error),
    result: jsonColumn(result),
    startedAt: timeOrNull(startedAtMs),
    completedAt: timeOrNull(completedAtMs),
    createdAt: new Date(createdAtMs),
    updatedAt: new Date(updatedAtMs),
  };
}

/** What a row of a job's own detail needs beside the record: whose it is. */
interface Owner {
  readonly organizationId: string;
  readonly issueId: string;
}

export function stepRow(step: StepRecord, owner: Owner): Prisma.AgentStepUncheckedCreateInput {
  const { startedAtMs, usage, ...columns } = step;
  return { ...columns, ...usage, ...owner, startedAt: new Date(startedAtMs) };
}

export function logRow(log: LogRecord, owner: Owner): Prisma.AgentLogUncheckedCreateInput {
  const { atMs, data, ...columns } = log;
  return { ...columns, ...owner, data: jsonColumn(data), timestamp: new Date(atMs) };
}

export function artifactRow(
  artifact: ArtifactRecord,
  organizationId: string,
  bodies: { readonly content: string; readonly diffPatch: string | null },
): Prisma.AgentArtifactUncheckedCreateInput {
  const { createdAtMs, ...columns } = artifact;
  return { ...columns, ...bodies, organizationId, createdAt: new Date(createdAtMs) };
}

export function reviewRow(review: ReviewRecord, organizationId: string): Prisma.AgentReviewUncheckedCreateInput {
  const { createdAtMs, expiresAtMs, decidedAtMs, agentVerdict, ...columns } = review;
  return {
    ...columns,
    organizationId,
    agentVerdict: jsonColumn(agentVerdict),
    decidedAt: timeOrNull(decidedAtMs),
    expiresAt: new Date(expiresAtMs),
    createdAt: new Date(createdAtMs),
  };
}

export interface ModelCallTold {
  readonly attempt: number;
  readonly stepNumber: number;
  /** Number of the event that told of it. */
  readonly seq: number;
  readonly isEstimate: boolean;
  readonly usage: TokenUsage | null;
  readonly costMicroUsd: number;
  readonly at: Date;
}

export function modelCallRow(
  { organizationId, id: jobId, agentType, model }: Pick<AgentJob, "organizationId" | "id" | "agentType" | "model">,
  { usage, ...call }: ModelCallTold,
) {
  const none: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };
  const job = { organizationId, jobId, module: moduleOfAgent(agentType), agentType, model };
  return { ...call, ...(usage ?? none), ...job } satisfies Prisma.AgentModelCallUncheckedCreateInput;
}

export function questionRow(
  question: QuestionRecord,
  organizationId: string,
): Prisma.AgentQuestionUncheckedCreateInput {
  const { askedAtMs, expiresAtMs, closedAtMs, ...columns } = question;
  return {
    ...columns,
    organizationId,
    askedAt: new Date(askedAtMs),
    expiresAt: timeOrNull(expiresAtMs),
    closedAt: timeOrNull(closedAtMs),
  };
}

export function messageRow(message: MessageRecord, organizationId: string): Prisma.AgentMessageUncheckedCreateInput {
  const { sentAtMs, heardAtMs, ...columns } = message;
  return { ...columns, organizationId, sentAt: new Date(sentAtMs), heardAt: timeOrNull(heardAtMs) };
}

export function feedbackRow(
  { createdAtMs, updatedAtMs, ...columns }: FeedbackRecord,
  organizationId: string,
): Prisma.AgentFeedbackUncheckedCreateInput & { person: string } {
  return { ...columns, organizationId, createdAt: new Date(createdAtMs), updatedAt: new Date(updatedAtMs) };
}

export function effectRow(effect: EffectRecord, organizationId: string): Prisma.AgentEffectUncheckedCreateInput {
  const { createdAtMs, updatedAtMs, error, result, dryRun, ...columns } = effect;
  return {
    ...columns,
    ...errorColumns(error),
    organizationId,
    result: jsonColumn(result),
    dryRun: jsonColumn(dryRun),
    createdAt: new Date(createdAtMs),
    updatedAt: new Date(updatedAtMs),
  };
}
