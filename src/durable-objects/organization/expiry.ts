import type { IssueRecord } from "../../contracts/records.ts";
import { hasNothingToRun } from "../../contracts/status.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { decideExpiry } from "./expiry-decision.ts";
import { moveJob } from "./job-moves.ts";
import type { JobTable } from "./job-table.ts";

export interface ExpiryParts {
  readonly jobs: JobTable;
  readonly dispatcher: Dispatcher;
}

const messages = {
  expired: "The time until which the work was wanted has passed.",
  provider_unavailable: "The provider was out of reach until the work was no longer wanted.",
} as const;

/** Gives up what of an issue has waited past its time, or sets that time; true when something was given up. */
export function endExpired(change: Change, { jobs, dispatcher }: ExpiryParts, issue: IssueRecord): boolean {
  const { expiresAtMs } = issue;
  if (expiresAtMs === null) return false;
  if (hasNothingToRun(issue.status)) {
    change.deadlines.clear(`expiry:${issue.id}`);
    return false;
  }
  if (expiresAtMs > change.nowMs) {
    change.deadlines.set(`expiry:${issue.id}`, expiresAtMs);
    return false;
  }
  let hasEnded = false;
  for (const job of jobs.ofIssue(issue.id)) {
    const decision = decideExpiry(job, expiresAtMs, change.nowMs);
    if (decision.kind === "keep") continue;
    const { status, reason } = decision;
    const error = { reason, message: messages[reason] };
    jobs.save(moveJob(change, dispatcher.release(change, job), { status, error }));
    hasEnded = true;
  }
  return hasEnded;
}
