import { costCeilingConfig } from "../../contracts/ceilings.ts";
import type { Outcome, SubmitCommand, SubmitReceipt } from "../../contracts/organization-rpc.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { numericPriority } from "../../contracts/status.ts";
import { type AdmissionCeilings, type AdmissionGuards, decideAdmission, type FirstJob } from "./admission.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { Change } from "./change.ts";
import type { DatabaseSize } from "./database-size.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { createJob } from "./new-job.ts";
import { isPutOff, putOff } from "./put-off.ts";
import type { RememberedAnswers } from "../remembered-answers.ts";
import type { SubmissionTable } from "./submission-table.ts";
import { allowancesAfter } from "./submission-usage.ts";
import type { TermsKeeper } from "./terms-keeper.ts";

export interface SubmissionParts {
  readonly databaseSize: DatabaseSize;
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly terms: TermsKeeper;
  readonly budget: BudgetDesk;
  readonly submissions: SubmissionTable;
  readonly answers: RememberedAnswers<SubmitReceipt>;
  readonly ceilings: AdmissionCeilings;
  readonly guards: AdmissionGuards;
}

function issueOf(command: SubmitCommand, { newId, nowMs }: Change): IssueRecord {
  return {
    id: newId("issue"),
    organizationId: command.organizationId,
    externalId: command.externalId,
    source: command.source,
    type: command.type,
    priority: command.priority,
    title: command.title,
    description: command.description,
    context: { ...command.context },
    status: isPutOff(command.notBeforeMs, nowMs) ? "PENDING" : "QUEUED",
    createdById: command.createdById,
    submitterLevel: command.submitterLevel,
    requestedAgentType: command.requestedAgentType,
    requestedModel: command.requestedModel,
    notBeforeMs: command.notBeforeMs,
    expiresAtMs: command.expiresAtMs,
    concurrencyKey: command.concurrencyKey,
    triage: null,
    correlationId: command.correlationId,
    costMicroUsd: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** Admits an issue with its first job, or answers why not. A repeated request gets the answer that it got first. */
export function submitIssue(change: Change, parts: SubmissionParts, command: SubmitCommand): Outcome<SubmitReceipt> {
  const { answers, terms } = parts;
  const { idempotency } = command;
  terms.acceptSealed(command.terms);
  if (idempotency === null) return admit(change, parts, command);

  const recall = answers.recall(idempotency, change.nowMs);
  if (recall.kind === "replay") return { ok: true, value: { ...recall.answer, replayed: true } };
  if (recall.kind === "other_request") {
    const detail = "This idempotency key was used with another request in the last 24 hours.";
    return { ok: false, failure: { code: "idempotency_key_reused", detail } };
  }
  const outcome = admit(change, parts, command);
  if (outcome.ok) answers.remember(change, idempotency, outcome.value);
  return outcome;
}

function admit(change: Change, parts: SubmissionParts, command: SubmitCommand): Outcome<SubmitReceipt> {
  const { nowMs } = change;
  const { databaseSize, jobs, terms, submissions, ceilings, guards } = parts;
  const { limits } = terms.current();
  const usage = submissions.usage(nowMs, limits.issuesPerHour);
  const state = {
    usage,
    waitingJobs: jobs.backlog(),
    databaseBytes: databaseSize.bytes(nowMs),
    switchRefusal: guards.switchRefusal(command, nowMs),
    budgetRefusal: guards.budgetRefusal(nowMs),
  };
  const decision = decideAdmission(command, state, { limits, ceilings }, nowMs);
  if (decision.kind === "refuse") return { ok: false, failure: decision.failure };
  submissions.record(usage);
  return {
    ok: true,
    value: { ...begin(change, parts, command, decision.firstJob), ...allowancesAfter(usage, limits) },
  };
}

/** Stores the issue and its first job. */
function begin(
  change: Change,
  parts: SubmissionParts,
  command: SubmitCommand,
  firstJob: FirstJob,
): Omit<SubmitReceipt, "rate" | "quota"> {
  const issue = issueOf(command, change);
  parts.issues.add(issue);
  change.append({ type: "issue.submitted", issueId: issue.id, jobId: null, data: { issue } });
  const job = createJob(change, parts, {
    ...firstJob,
    issueId: issue.id,
    organizationId: issue.organizationId,
    priority: numericPriority[issue.priority],
    config: { ...costCeilingConfig(command.maxCostMicroUsd) },
    retryOf: null,
  });
  putOff(change, parts.jobs, issue, job);
  const position = parts.jobs.countBefore(job.record, change.nowMs);
  return { issueId: issue.id, jobId: job.record.id, status: issue.status, position, replayed: false };
}
