/** What the object tells of itself. Foreign ids, and issues that the viewer may not know of, read as null. */
import type { IssueDetail, IssueRef, UsageQuery, UsageReport } from "../../contracts/organization-rpc.ts";
import type { Change } from "./change.ts";
import type { JobState } from "./job-state.ts";
import type { OrganizationParts } from "./organization-parts.ts";
import { allowancesAfter } from "./submission-usage.ts";
import type { SwitchGuard } from "./switch-guard.ts";

type ReadParts = Pick<
  OrganizationParts,
  | "switchGuard"
  | "conversation"
  | "issues"
  | "jobs"
  | "steps"
  | "reviewTable"
  | "effectTable"
  | "feedback"
  | "archive"
  | "waiting"
  | "budget"
>;

/** One issue with everything that a person asks about it. */
export function readIssueDetail(
  parts: ReadParts,
  { issueId, visibility }: IssueRef,
  nowMs: number,
): IssueDetail | null {
  return parts.issues.findVisible(issueId, visibility) === null ? null : issueDetail(parts, issueId, nowMs);
}

/** The same of an issue that is known to be here, and the viewer's to see. */
export function issueDetail(parts: ReadParts, issueId: string, nowMs: number): IssueDetail {
  const issue = parts.issues.get(issueId);
  const jobs = parts.jobs.ofIssue(issueId);
  return {
    issue,
    jobs: jobs.map(({ record }) => record),
    stepCount: parts.steps.countOfIssue(issueId) + (parts.archive.earlierSteps(issueId) ?? 0),
    reviews: parts.reviewTable.ofIssue(issueId),
    effects: parts.effectTable.ofIssue(issueId).map(({ record }) => record),
    ...parts.conversation.ofIssue(issueId),
    feedback: parts.feedback.ofIssue(issueId),
    waitingReason: switchReason(parts.switchGuard, jobs, nowMs),
    waitingFor: parts.waiting.limitOf(issueId, nowMs),
    reservedMicroUsd: parts.budget.reservedOfIssue(issueId),
  };
}

/** The limits on submissions and on running jobs under the newest terms, with their use now. */
export function readUsage(
  { nowMs }: Change,
  { submissions, terms, jobs }: Pick<OrganizationParts, "submissions" | "terms" | "jobs">,
  query: UsageQuery,
  globalSlots: number,
): UsageReport {
  terms.acceptSealed(query.terms);
  const { limits } = terms.current();
  return {
    ...allowancesAfter(submissions.usage(nowMs, limits.issuesPerHour), limits, 0),
    concurrency: {
      limit: Math.min(limits.concurrentJobs, globalSlots),
      running: jobs.running().length,
      waiting: jobs.backlog(),
    },
  };
}

/** Why the switch was set that keeps the issue's waiting jobs from starting; null without one, or when something runs. */
function switchReason(guard: SwitchGuard, jobs: readonly JobState[], nowMs: number): string | null {
  if (jobs.some(({ record }) => record.status === "RUNNING")) return null;
  for (const { record } of jobs) {
    const by = record.status === "PENDING" ? guard.holdOf(record, nowMs) : null;
    if (by !== null) return by.reason;
  }
  return null;
}

/**
 * What `read` finds for an issue. Null when the viewer may not know of it, and when part of it may be in Postgres only,
 * because it had left before.
 */
export function ofVisibleIssue<Found>(
  { issues, archive }: Pick<OrganizationParts, "issues" | "archive">,
  { issueId, visibility }: IssueRef,
  read: (issueId: string) => Found,
): Found | null {
  if (issues.findVisible(issueId, visibility) === null || archive.earlierSteps(issueId) !== null) return null;
  return read(issueId);
}
