/** What the object tells of itself. Foreign ids, and issues that the viewer may not know of, read as null. */
import type { IssueDetail, IssueRef } from "../../contracts/organization-rpc.ts";
import type { OrganizationParts } from "./organization-parts.ts";
import { blockingLimitOf } from "./schedule.ts";

type ReadParts = Pick<
  OrganizationParts,
  "issues" | "jobs" | "attempts" | "reviewTable" | "effectTable" | "limits" | "budget"
>;

/** One issue with everything that a person asks about it. */
export function readIssueDetail(parts: ReadParts, ref: IssueRef, nowMs: number): IssueDetail | null {
  return ofVisibleIssue(parts, ref, (issueId) => issueDetail(parts, issueId, nowMs));
}

/** The same of an issue that is known to be here, and the viewer's to see. */
export function issueDetail(parts: ReadParts, issueId: string, nowMs: number): IssueDetail {
  const issue = parts.issues.get(issueId);
  const jobs = parts.jobs.ofIssue(issueId);
  return {
    issue,
    jobs: jobs.map(({ record }) => record),
    stepCount: parts.attempts.countStepsOfIssue(issueId),
    reviews: parts.reviewTable.ofIssue(issueId),
    effects: parts.effectTable.ofIssue(issueId).map(({ record }) => record),
    waitingFor: blockingLimitOf(jobs, {
      heldSlots: parts.jobs.heldSlotIds().length,
      concurrencyLimit: parts.limits().concurrencyLimit,
      isBudgetExhausted: parts.budget.blocksStarts(nowMs),
      nowMs,
    }),
    reservedMicroUsd: parts.budget.reservedOfIssue(issueId),
  };
}

/** What `read` finds for an issue, or null when the viewer may not know of it. */
export function ofVisibleIssue<Found>(
  { issues }: Pick<OrganizationParts, "issues">,
  { issueId, visibility }: IssueRef,
  read: (issueId: string) => Found,
): Found | null {
  return issues.findVisible(issueId, visibility) === null ? null : read(issueId);
}
