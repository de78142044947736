/** Hands out the transcript of an attempt, a bounded page at a time. */
import type { TranscriptPage, TranscriptQuery } from "../../contracts/organization-rpc.ts";
import type { AttemptTable } from "./attempt-table.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";

/** A page ends with the message that fills it: one message may be as large as a row. */
const fullPageCharacters = 1_000_000;

export interface TranscriptParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly attempts: AttemptTable;
}

/** The page; null when the viewer may not know of the issue, or when it has no such attempt, or keeps it no longer. */
export function readTranscript(
  { issues, jobs, attempts }: TranscriptParts,
  { issueId, visibility, jobId, attempt, afterPosition, limit }: TranscriptQuery,
): TranscriptPage | null {
  if (issues.findVisible(issueId, visibility) === null) return null;
  const begun = jobs.ofIssue(issueId).filter(({ record }) => record.attempts > 0);
  const job =
    jobId === null
      ? (begun.findLast(({ record }) => record.role === "work") ?? begun.at(-1))
      : begun.find(({ record }) => record.id === jobId);
  if (job === undefined) return null;
  const number = attempt ?? job.record.attempts;
  const prompt = attempts.findPrompt(job.record.id, number);
  if (prompt === null) return null;

  const stored = attempts.messagesAfter(job.record.id, number, afterPosition, limit + 1);
  const messages: (typeof stored)[number][] = [];
  let characters = 0;
  for (const message of stored.slice(0, limit)) {
    messages.push(message);
    characters += message.message.length;
    if (characters >= fullPageCharacters) break;
  }
  return { jobId: job.record.id, attempt: number, prompt, messages, isLast: messages.length === stored.length };
}
