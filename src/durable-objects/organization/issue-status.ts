/** Keeps every issue's status what its jobs, reviews and effects make it. */
import type { IssueRecord } from "../../contracts/records.ts";
import { issueStatusOf } from "../../contracts/status.ts";
import type { IssueStatus } from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import type { EffectTable } from "./effect-table.ts";
import type { EventLog } from "./event-log.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { begunAnewAtMs } from "./replay-decision.ts";
import type { ReviewTable } from "./review-table.ts";

export interface IssueParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly reviews: ReviewTable;
  readonly effects: EffectTable;
  readonly log: EventLog;
}

function statusOf(parts: IssueParts, { id: issueId, notBeforeMs }: IssueRecord, nowMs: number): IssueStatus {
  const allJobs = parts.jobs.ofIssue(issueId);
  const sinceMs = begunAnewAtMs(allJobs);
  const jobs = allJobs.filter(({ record }) => record.createdAtMs >= sinceMs);
  const replaced = new Set(jobs.map(({ record }) => record.retryOf));
  const effects = parts.effects.ofIssue(issueId).filter(({ record }) => record.createdAtMs >= sinceMs);
  const redriven = new Set(effects.map(({ record }) => record.redriveOf));
  return issueStatusOf({
    jobs: jobs.map(({ record, everDispatched, readyAtMs }) => ({
      status: record.status,
      dispatched: everDispatched,
      replaced: replaced.has(record.id),
      notBeforeMs: readyAtMs === notBeforeMs ? notBeforeMs : null,
    })),
    reviews: parts.reviews.ofIssue(issueId).filter(({ createdAtMs }) => createdAtMs >= sinceMs),
    effects: effects.map(({ record }) => ({ status: record.status, redriven: redriven.has(record.id) })),
    nowMs,
  });
}

/** Stores the issue with its present status, appending an event when that has changed, and returns it. */
export function refreshIssue(change: Change, parts: IssueParts, issueId: string): IssueRecord {
  const issue = parts.issues.get(issueId);
  const status = statusOf(parts, issue, change.nowMs);
  if (status !== issue.status) {
    change.append({
      type: "issue.status_changed",
      issueId,
      jobId: null,
      data: { from: issue.status, status },
    });
  }
  const refreshed: IssueRecord = { ...issue, status, updatedAtMs: change.nowMs };
  parts.issues.save(refreshed, parts.log.lastSeq());
  return refreshed;
}
