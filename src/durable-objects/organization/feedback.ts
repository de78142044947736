/** What people think of an issue's outcome: one opinion a person, which he may change. */
import type { FeedbackCommand, Outcome } from "../../contracts/organization-rpc.ts";
import type { FeedbackRecord } from "../../contracts/records.ts";
import type { Change } from "./change.ts";
import type { FeedbackTable } from "./feedback-table.ts";
import type { IssueTable } from "./issue-table.ts";

/** Whether two opinions say the same. */
function saysTheSame(left: FeedbackRecord, right: FeedbackRecord): boolean {
  const sayingOf = ({ rating, outcome, tags, comment }: FeedbackRecord): string =>
    JSON.stringify([rating, outcome, tags, comment]);
  return sayingOf(left) === sayingOf(right);
}

/** Stores what a person says about an issue that he may see; the same again changes nothing, and anything else replaces it. */
export function giveFeedback(
  change: Change,
  { issues, feedback }: { readonly issues: IssueTable; readonly feedback: FeedbackTable },
  command: FeedbackCommand,
): Outcome<FeedbackRecord> {
  const { issueId, visibility, person, givenBy, rating, outcome, tags, comment } = command;
  if (issues.findVisible(issueId, visibility) === null) {
    return { ok: false, failure: { code: "not_found", detail: "There is no such issue." } };
  }
  const before = feedback.find(issueId, person);
  const given: FeedbackRecord = {
    issueId,
    person,
    givenBy,
    rating,
    outcome,
    tags: [...tags],
    comment,
    createdAtMs: before?.createdAtMs ?? change.nowMs,
    updatedAtMs: change.nowMs,
  };
  if (before !== null && saysTheSame(before, given)) return { ok: true, value: before };
  feedback.save(given);
  change.append({ type: "feedback.given", issueId, jobId: null, data: { feedback: given } });
  return { ok: true, value: given };
}
