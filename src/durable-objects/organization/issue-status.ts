/** Keeps every issue's status what its jobs, reviews and effects make it. */
import { issueStatusOf } from "../../contracts/status.ts";
import type { IssueStatus } from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import type { EffectTable } from "./effect-table.ts";
import type { EventLog } from "./event-log.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import type { ReviewTable } from "./review-table.ts";

export interface IssueParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly reviews: ReviewTable;
  readonly effects: EffectTable;
  readonly log: EventLog;
}

function statusOf(parts: IssueParts, issueId: string, nowMs: number): IssueStatus {
  const jobs = parts.jobs.ofIssue(issueId);
  const replaced = new Set(jobs.map(({ record }) => record.retryOf));
  const effects = parts.effects.ofIssue(issueId);
  const redriven = new Set(effects.map(({ record }) => record.redriveOf));
  return issueStatusOf({
    jobs: jobs.map(({ record, everDispatched }) => ({
      status: record.status,
      dispatched: everDispatched,
      replaced: replaced.has(record.id),
      notBeforeMs: null,
    })),
    reviews: parts.reviews.ofIssue(issueId),
    effects: effects.map(({ record }) => ({ status: record.status, redriven: redriven.has(record.id) })),
    nowMs,
  });
}

/** Stores the issue with its present status, appending an event when that has changed. */
export function refreshIssue(change: Change, parts: IssueParts, issueId: string): void {
  const issue = parts.issues.get(issueId);
  const status = statusOf(parts, issueId, change.nowMs);
  if (status !== issue.status) {
    change.append({
      type: "issue.status_changed",
      issueId,
      jobId: null,
      data: { from: issue.status, status },
    });
  }
  parts.issues.save({ ...issue, status, updatedAtMs: change.nowMs }, parts.log.lastSeq());
}
