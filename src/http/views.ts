/** From records to what the API shows. */
import type { z } from "zod";
import type {
  artifactViewSchema,
  catalogSchema,
  deadLetterListSchema,
  effectViewSchema,
  feedbackViewSchema,
  issueDetailSchema,
  issueViewSchema,
  jobViewSchema,
  logViewSchema,
  messageReceiptSchema,
  messageViewSchema,
  organizationViewSchema,
  platformLogListSchema,
  questionViewSchema,
  quotaSchema,
  reviewViewSchema,
  stepViewSchema,
} from "../contracts/http-views.ts";
import type { MessageRecord, QuestionRecord } from "../contracts/conversation.ts";
import type {
  Allowance,
  ArtifactView,
  BudgetReport,
  BudgetUse,
  DeadLetter,
  IssueDetail,
  MessageReceipt,
  UsageReport,
} from "../contracts/organization-rpc.ts";
import type { AgentSummary } from "../contracts/agent-port.ts";
import type { JobCeilings } from "../contracts/ceilings.ts";
import type { OrganizationEntry, OrganizationSettings } from "../contracts/platform-rpc.ts";
import type {
  EffectRecord,
  FeedbackRecord,
  IssueRecord,
  JobRecord,
  LogRecord,
  ReviewRecord,
  StepRecord,
} from "../contracts/records.ts";
import type { PlatformLogRecord } from "../contracts/ports.ts";
import { isoTime } from "../core/clock.ts";

function optionalIsoTime(epochMs: number | null): string | null {
  return epochMs === null ? null : isoTime(epochMs);
}

export function allowanceView({ limit, remaining, resetAtMs }: Allowance) {
  return { limit, remaining, resetAt: isoTime(resetAtMs) };
}

export function issueView(issue: IssueRecord): z.infer<typeof issueViewSchema> {
  const { notBeforeMs, expiresAtMs, createdAtMs, updatedAtMs, ...rest } = issue;
  return {
    ...rest,
    notBefore: optionalIsoTime(notBeforeMs),
    expiresAt: optionalIsoTime(expiresAtMs),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  };
}

function jobView(job: JobRecord): z.infer<typeof jobViewSchema> {
  const { startedAtMs, completedAtMs, createdAtMs, updatedAtMs, ...rest } = job;
  return {
    ...rest,
    startedAt: optionalIsoTime(startedAtMs),
    completedAt: optionalIsoTime(completedAtMs),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  };
}

export function reviewView(review: ReviewRecord): z.infer<typeof reviewViewSchema> {
  const { decidedAtMs, expiresAtMs, createdAtMs, ...rest } = review;
  return {
    ...rest,
    decidedAt: optionalIsoTime(decidedAtMs),
    expiresAt: isoTime(expiresAtMs),
    createdAt: isoTime(createdAtMs),
  };
}

function effectView(effect: EffectRecord): z.infer<typeof effectViewSchema> {
  const { createdAtMs, updatedAtMs, idempotencyKey: _idempotencyKey, ...rest } = effect;
  const times = { createdAt: isoTime(createdAtMs), updatedAt: isoTime(updatedAtMs) };
  return { ...rest, ...times };
}

function questionView(question: QuestionRecord): z.infer<typeof questionViewSchema> {
  const { callId: _callId, askedAtMs, expiresAtMs, closedAtMs, ...rest } = question;
  return {
    ...rest,
    askedAt: isoTime(askedAtMs),
    expiresAt: optionalIsoTime(expiresAtMs),
    closedAt: optionalIsoTime(closedAtMs),
  };
}

function messageView(message: MessageRecord): z.infer<typeof messageViewSchema> {
  const { sentAtMs, heardAtMs, ...rest } = message;
  return { ...rest, sentAt: isoTime(sentAtMs), heardAt: optionalIsoTime(heardAtMs) };
}

export function messageReceiptView(receipt: MessageReceipt): z.infer<typeof messageReceiptSchema> {
  return receipt.kind === "answered"
    ? { kind: receipt.kind, question: questionView(receipt.question) }
    : { kind: receipt.kind, message: messageView(receipt.message) };
}

export function feedbackView({
  person: _person,
  createdAtMs,
  updatedAtMs,
  ...rest
}: FeedbackRecord): z.infer<typeof feedbackViewSchema> {
  return { ...rest, createdAt: isoTime(createdAtMs), updatedAt: isoTime(updatedAtMs) };
}

export function stepView(step: StepRecord): z.infer<typeof stepViewSchema> {
  const { startedAtMs, ...rest } = step;
  return { ...rest, startedAt: isoTime(startedAtMs) };
}

export function logView(log: LogRecord): z.infer<typeof logViewSchema> {
  const { atMs, ...rest } = log;
  return { ...rest, at: isoTime(atMs) };
}

export function platformLogView(log: PlatformLogRecord): z.infer<typeof platformLogListSchema>["items"][number] {
  const { atMs, ...rest } = log;
  return { ...rest, at: isoTime(atMs) };
}

export function artifactView(view: ArtifactView): z.infer<typeof artifactViewSchema> {
  const { id, jobId, issueId, type, name, filePath, metadata, createdAtMs } = view.artifact;
  const { content, diffPatch } = view;
  return { id, jobId, issueId, type, name, content, filePath, diffPatch, metadata, createdAt: isoTime(createdAtMs) };
}

export function issueDetailView(detail: IssueDetail): z.infer<typeof issueDetailSchema> {
  return {
    ...issueView(detail.issue),
    jobs: detail.jobs.map(jobView),
    stepCount: detail.stepCount,
    reviews: detail.reviews.map(reviewView),
    effects: detail.effects.map(effectView),
    questions: detail.questions.map(questionView),
    messages: detail.messages.map(messageView),
    feedback: detail.feedback.map(feedbackView),
    waitingFor: detail.waitingFor,
    reservedMicroUsd: detail.reservedMicroUsd,
    waitingReason: detail.waitingReason,
  };
}

export function deadLetterView(letter: DeadLetter): z.infer<typeof deadLetterListSchema>["items"][number] {
  const { kind, id, issueId, failedAtMs, error, redrivenAtMs } = letter;
  return { kind, id, issueId, failedAt: isoTime(failedAtMs), error, redrivenAt: optionalIsoTime(redrivenAtMs) };
}

function budgetUseView({ resetAtMs, ...use }: BudgetUse): z.infer<typeof quotaSchema>["budget"]["day"] {
  const { limitMicroUsd, committedMicroUsd, reservedMicroUsd } = use;
  const remainingMicroUsd = Math.max(0, limitMicroUsd - committedMicroUsd - reservedMicroUsd);
  return { ...use, remainingMicroUsd, resetAt: isoTime(resetAtMs) };
}

export function quotaView(
  { rate, quota, concurrency }: UsageReport,
  { day, month }: BudgetReport,
): z.infer<typeof quotaSchema> {
  return {
    rate: allowanceView(rate),
    quota: allowanceView(quota),
    concurrency,
    budget: { day: budgetUseView(day), month: budgetUseView(month) },
  };
}

export function agentView(agent: AgentSummary): z.infer<typeof catalogSchema>["items"][number] {
  const { id, name, module, description, defaultModel, tools, ceilings, version } = agent;
  return { id, name, module, description, defaultModel, tools: [...tools], ceilings: ceilingsView(ceilings), version };
}

export function ceilingsView({ runningMs, ...rest }: JobCeilings) {
  return { ...rest, runningSeconds: Math.floor(runningMs / 1_000) };
}

type SettingsView = Pick<z.infer<typeof organizationViewSchema>, "tier" | "slug" | "repository" | "limitOverrides">;

export function settingsView({ tier, slug, repository, limitOverrides }: OrganizationSettings): SettingsView {
  const { limits, expiresAtMs } = limitOverrides;
  return { tier, slug, repository, limitOverrides: { limits, expiresAt: optionalIsoTime(expiresAtMs) } };
}

export function organizationView(entry: OrganizationEntry): z.infer<typeof organizationViewSchema> {
  const { organizationId, demand, slotsInUse } = entry;
  const { limits, version } = entry.terms;
  return {
    organizationId,
    ...settingsView(entry),
    limits,
    termsVersion: version,
    demand,
    slotsInUse,
  };
}
