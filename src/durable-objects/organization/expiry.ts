import type { IssueRecord } from "../../contracts/records.ts";
import { hasNothingToRun } from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import { decideExpiry } from "./expiry-decision.ts";
import type { JobTable } from "./job-table.ts";
import { endUnfinished, type UnfinishedJobParts } from "./unfinished-job.ts";

export interface ExpiryParts extends UnfinishedJobParts {
  readonly jobs: JobTable;
}

const messages = {
  expired: "The time until which the work was wanted has passed.",
  provider_unavailable: "The provider was out of reach until the work was no longer wanted.",
} as const;

/** Gives up what of an issue has waited past its time, or sets that time; true when something was given up. */
export function endExpired(change: Change, parts: ExpiryParts, issue: IssueRecord): boolean {
  const { expiresAtMs } = issue;
  if (hasNothingToRun(issue.status)) {
    if (expiresAtMs !== null) change.deadlines.clear(`expiry:${issue.id}`);
    return false;
  }
  if (expiresAtMs !== null && expiresAtMs > change.nowMs) change.deadlines.set(`expiry:${issue.id}`, expiresAtMs);
  let hasEnded = false;
  for (const job of parts.jobs.ofIssue(issue.id)) {
    const decision = decideExpiry(job, expiresAtMs, change.nowMs);
    if (decision.kind === "keep") continue;
    const { status, reason } = decision;
    const error = { reason, message: messages[reason] };
    parts.jobs.save(endUnfinished(change, parts, job, { status, error }));
    hasEnded = true;
  }
  return hasEnded;
}
