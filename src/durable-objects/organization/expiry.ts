import type { IssueRecord } from "../../contracts/records.ts";
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

/** Gives up what of an issue has waited past its time; true when there was something. */
export function endExpired(change: Change, { jobs, dispatcher }: ExpiryParts, issue: IssueRecord): boolean {
  if (issue.expiresAtMs === null || issue.expiresAtMs > change.nowMs) return false;
  let hasEnded = false;
  for (const job of jobs.ofIssue(issue.id)) {
    const decision = decideExpiry(job, issue.expiresAtMs, change.nowMs);
    if (decision.kind === "keep") continue;
    const { status, reason } = decision;
    const error = { reason, message: messages[reason] };
    jobs.save(moveJob(change, dispatcher.release(change, job), { status, error }));
    hasEnded = true;
  }
  return hasEnded;
}
