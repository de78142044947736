import type { Outcome, SubmitCommand, SubmitReceipt } from "../../contracts/organization-rpc.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { numericPriority } from "../../contracts/status.ts";
import { type AdmissionCounts, decideAdmission, hourMs, utcDayStartMs } from "./admission.ts";
import type { Change } from "./change.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { createJob } from "./new-job.ts";
import type { TermsKeeper } from "./terms-keeper.ts";

export interface SubmissionParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly terms: TermsKeeper;
}

function countsOf(issues: IssueTable, issuesPerHour: number, nowMs: number): AdmissionCounts {
  const issuesLastHour = issues.countSince(nowMs - hourMs);
  return {
    issuesLastHour,
    hourBlockedByAtMs: issuesLastHour < issuesPerHour ? null : issues.submittedAtMs(issuesPerHour - 1),
    issuesToday: issues.countSince(utcDayStartMs(nowMs) - 1),
  };
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
    status: "QUEUED",
    createdById: command.createdById,
    submitterLevel: command.submitterLevel,
    requestedAgentType: command.requestedAgentType,
    requestedModel: command.requestedModel,
    triage: null,
    correlationId: command.correlationId,
    costMicroUsd: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** Admits an issue with its first job, or answers why not. */
export function submitIssue(
  change: Change,
  { issues, jobs, terms }: SubmissionParts,
  command: SubmitCommand,
): Outcome<SubmitReceipt> {
  const { nowMs } = change;
  const { limits } = terms.accept(command.terms);
  const decision = decideAdmission(command, countsOf(issues, limits.issuesPerHour, nowMs), limits, nowMs);
  if (decision.kind === "refuse") return { ok: false, failure: decision.failure };

  const issue = issueOf(command, change);
  issues.save(issue, 0);
  change.append({ type: "issue.submitted", issueId: issue.id, jobId: null, data: { issue } });
  const job = createJob(change, jobs, {
    ...decision.firstJob,
    issueId: issue.id,
    organizationId: issue.organizationId,
    priority: numericPriority[issue.priority],
    config: {},
    retryOf: null,
  });
  const position = jobs.countBefore(job.record, nowMs);
  return { ok: true, value: { issueId: issue.id, jobId: job.record.id, status: issue.status, position } };
}
