/** What one event of an organization's log changes in its rows. */
import type { EventDataOf, OrganizationEvent } from "../contracts/events.ts";
import { moduleOf } from "../contracts/issue-filter.ts";
import type { IssueRecord } from "../contracts/records.ts";
import { indexedWords } from "./issue-list.ts";
import type { AgentJob } from "./generated/client.ts";
import type { TenantTransaction } from "./prisma-client.ts";
import {
  artifactRow,
  effectRow,
  errorColumns,
  feedbackRow,
  issueRow,
  jobRow,
  jsonColumn,
  logRow,
  messageRow,
  modelCallRow,
  questionRow,
  reviewRow,
  stepRow,
  storableText,
  timeOrNull,
} from "./records-to-rows.ts";

/** Ids of the large texts that an event refers to. */
export function bodyIdsOf(event: OrganizationEvent): readonly string[] {
  if (event.type !== "artifact.created") return [];
  const { contentBodyId, diffPatchBodyId } = event.data.artifact;
  return diffPatchBodyId === null ? [contentBodyId] : [contentBodyId, diffPatchBodyId];
}

/**
 * Writes what the event says, inside the organization's transaction. The same event written twice changes nothing more.
 * Throws what Prisma throws when Postgres refuses it, among others when its issue or job has no row.
 */
export async function applyEvent(
  transaction: TenantTransaction,
  organizationId: string,
  event: OrganizationEvent,
  bodies: Readonly<Record<string, string>>,
): Promise<void> {
  const { issueId } = event;
  const at = new Date(event.atMs);
  const issueKey = { organizationId_id: { organizationId, id: issueId } };
  switch (event.type) {
    case "issue.submitted":
      return writeIssue(transaction, organizationId, event.data.issue);
    case "issue.status_changed": {
      const { status } = event.data;
      await transaction.agentIssue.update({ where: issueKey, data: { status, updatedAt: at } });
      return;
    }
    case "issue.triaged": {
      const { triage } = event.data;
      const module = moduleOf({ requestedAgentType: null, triage });
      await transaction.agentIssue.update({ where: issueKey, data: { triage, module, updatedAt: at } });
      const untold = { organizationId, id: issueId, requestedAgentType: null };
      await transaction.agentIssue.updateMany({ where: untold, data: { agentType: triage.agent } });
      return;
    }
    case "job.created": {
      const row = { ...jobRow(event.data.job), organizationId };
      await transaction.agentJob.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    case "job.attempt_started": {
      const data = { attempts: event.data.attempt, updatedAt: at };
      await transaction.agentJob.update({ where: keyOf(organizationId, jobIdOf(event)), data });
      return;
    }
    case "job.model_changed": {
      const { model, modelReason, maxAttempts } = event.data;
      const data = { model, modelReason, maxAttempts, updatedAt: at };
      await transaction.agentJob.update({ where: keyOf(organizationId, jobIdOf(event)), data });
      return;
    }
    case "job.status_changed":
      return changeJob(transaction, organizationId, jobIdOf(event), { ...event.data, at });
    case "step.recorded":
      return recordStep(transaction, { organizationId, issueId }, { ...event.data, at, seq: event.seq });
    case "job.cost_estimated": {
      const { attempt, stepNumber, usage, costMicroUsd } = event.data;
      const owner = { organizationId, issueId, jobId: jobIdOf(event) };
      const job = await writeCost(transaction, owner, { ...event.data, at });
      const call = { attempt, stepNumber, usage, costMicroUsd, isEstimate: true, at, seq: event.seq };
      return writeModelCall(transaction, job, call);
    }
    case "log.written": {
      const row = logRow(event.data.log, { organizationId, issueId });
      await transaction.agentLog.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    case "artifact.created":
      return writeArtifact(transaction, organizationId, event.data, bodies);
    case "review.opened":
    case "review.decided": {
      const row = reviewRow(event.data.review, organizationId);
      await transaction.agentReview.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    case "question.asked":
    case "question.closed": {
      const row = questionRow(event.data.question, organizationId);
      await transaction.agentQuestion.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    case "message.sent": {
      const row = messageRow(event.data.message, organizationId);
      await transaction.agentMessage.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    case "message.heard": {
      const which = { organizationId, id: { in: event.data.messageIds } };
      await transaction.agentMessage.updateMany({ where: which, data: { heardByJobId: jobIdOf(event), heardAt: at } });
      return;
    }
    case "feedback.given": {
      const row = feedbackRow(event.data.feedback, organizationId);
      const { person } = row;
      const key = { organizationId_issueId_person: { organizationId, issueId, person } };
      await transaction.agentFeedback.upsert({ where: key, create: row, update: row });
      return;
    }
    case "effect.created":
    case "effect.changed": {
      const row = effectRow(event.data.effect, organizationId);
      await transaction.agentEffect.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
      return;
    }
    // How the work was carried is told to whoever watches, and remembered nowhere.
    case "issue.waiting_changed":
    case "job.dispatched":
    case "job.slice_started":
    case "job.slice_ended":
    case "job.signalled":
    case "issue.commanded":
    case "budget.alert":
      return;
  }
}

function keyOf(organizationId: string, id: string) {
  return { organizationId_id: { organizationId, id } };
}

function jobIdOf(event: OrganizationEvent): string {
  if (event.jobId === null) throw new RangeError(`the event ${event.type} names no job`);
  return event.jobId;
}

/** A creator who is known by his token's subject gets his id, and one whom the ERP no longer has becomes null. */
async function writeIssue(transaction: TenantTransaction, organizationId: string, issue: IssueRecord): Promise<void> {
  const [creator] = await transaction.$queryRaw<{ id: string | null }[]>`
    SELECT agents.resolve_user(${issue.createdById}) AS id`;
  const row = { ...issueRow(issue), organizationId, createdById: creator?.id ?? null };
  await transaction.agentIssue.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
  const words = { organizationId, issueId: issue.id, words: indexedWords(organizationId, issue) };
  await transaction.agentIssueWords.createMany({ data: words, skipDuplicates: true });
}

async function changeJob(
  transaction: TenantTransaction,
  organizationId: string,
  jobId: string,
  change: EventDataOf<"job.status_changed"> & { readonly at: Date },
): Promise<void> {
  await transaction.agentJob.update({
    where: keyOf(organizationId, jobId),
    data: {
      ...errorColumns(change.error),
      status: change.status,
      pausedReason: change.pausedReason,
      attempts: change.attempts,
      startedAt: timeOrNull(change.startedAtMs),
      completedAt: timeOrNull(change.completedAtMs),
      result: jsonColumn(change.result),
      updatedAt: change.at,
    },
  });
}

async function recordStep(
  transaction: TenantTransaction,
  owner: { readonly organizationId: string; readonly issueId: string },
  {
    step,
    jobCostMicroUsd,
    issueCostMicroUsd,
    at,
    seq,
  }: EventDataOf<"step.recorded"> & { readonly at: Date; readonly seq: number },
): Promise<void> {
  const { organizationId } = owner;
  const { jobId, attempt, number } = step;
  const row = stepRow(step, owner);
  await transaction.agentStep.upsert({
    where: { organizationId_jobId_attempt_number: { organizationId, jobId, attempt, number } },
    create: row,
    update: row,
  });
  const job = await writeCost(transaction, { ...owner, jobId }, { jobCostMicroUsd, issueCostMicroUsd, at });
  if (step.kind !== "model") return;
  const { usage, costMicroUsd } = step;
  const call = { attempt, stepNumber: number, usage, costMicroUsd, isEstimate: false, at, seq };
  await writeModelCall(transaction, job, call);
}

/** A line of the ledger of model calls, under the agent and model that the job has then. */
async function writeModelCall(
  transaction: TenantTransaction,
  job: AgentJob,
  call: Parameters<typeof modelCallRow>[1],
): Promise<void> {
  const row = modelCallRow(job, call);
  const { organizationId, jobId, attempt, stepNumber, seq } = row;
  await transaction.agentModelCall.upsert({
    where: { organizationId_jobId_attempt_stepNumber_seq: { organizationId, jobId, attempt, stepNumber, seq } },
    create: row,
    update: row,
  });
}

/** The sums of a job and its issue, as the event tells them; returns the job's row. */
async function writeCost(
  transaction: TenantTransaction,
  { organizationId, issueId, jobId }: { readonly [Id in "organizationId" | "issueId" | "jobId"]: string },
  sums: { readonly jobCostMicroUsd: number; readonly issueCostMicroUsd: number; readonly at: Date },
): Promise<AgentJob> {
  const { jobCostMicroUsd, issueCostMicroUsd, at } = sums;
  const job = await transaction.agentJob.update({
    where: keyOf(organizationId, jobId),
    data: { costMicroUsd: jobCostMicroUsd, updatedAt: at },
  });
  await transaction.agentIssue.update({
    where: keyOf(organizationId, issueId),
    data: { costMicroUsd: issueCostMicroUsd },
  });
  return job;
}

async function writeArtifact(
  transaction: TenantTransaction,
  organizationId: string,
  { artifact }: EventDataOf<"artifact.created">,
  bodies: Readonly<Record<string, string>>,
): Promise<void> {
  const { contentBodyId, diffPatchBodyId } = artifact;
  const row = artifactRow(artifact, organizationId, {
    content: bodyOf(bodies, contentBodyId),
    diffPatch: diffPatchBodyId === null ? null : bodyOf(bodies, diffPatchBodyId),
  });
  await transaction.agentArtifact.upsert({ where: keyOf(organizationId, row.id), create: row, update: row });
}

function bodyOf(bodies: Readonly<Record<string, string>>, bodyId: string): string {
  const body = bodies[bodyId];
  if (body === undefined) throw new RangeError(`the body ${bodyId} is gone`);
  return storableText(body);
}
