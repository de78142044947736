/** What people do to issues, and what has failed for good. */
import type { Visibility } from "../caller.ts";
import type { ModelName } from "../models.ts";
import type { FeedbackRecord, JobError } from "../records.ts";
import type { IssueCommandName } from "../status.ts";
import type { Archivable, IssueDetail, IssueRef } from "./issue-reads.ts";
import type { Addressed, Outcome } from "./outcome.ts";

/** Who asks, in whose name it is written down, and why. */
export interface CommandAuthor {
  readonly actor: string;
  readonly reason: string | null;
}

/** Where a replay begins: that step is done again, and everything before it stays. */
export interface ReplayOrder {
  readonly fromStep: number;
  /** Null for the last work of the issue. */
  readonly jobId: string | null;
  /** Null for the last attempt of the job. */
  readonly attempt: number | null;
  /** Null for the model of that attempt. */
  readonly model: ModelName | null;
  /** What the agent is told before its next model call. */
  readonly note: string | null;
}

export interface IssueCommand extends IssueRef, CommandAuthor, Archivable {
  readonly command: IssueCommandName;
  /** Whose issues the caller may command; never more than he may see. */
  readonly authority: Visibility;
  /** With `retry`: replays instead of doing again what failed. */
  readonly replay?: ReplayOrder;
}

export interface FeedbackCommand
  extends IssueRef, Archivable, Pick<FeedbackRecord, "person" | "givenBy" | "rating" | "outcome" | "comment"> {
  readonly tags: readonly string[];
}

/** A failed job, or an effect that was tried in vain for the last time. */
export interface DeadLetter {
  readonly kind: "job" | "effect";
  readonly id: string;
  readonly issueId: string;
  readonly failedAtMs: number;
  readonly error: JobError;
  /** When a retry of its issue took it up again; null while nothing has. */
  readonly redrivenAtMs: number | null;
}

export interface DeadLetterQuery extends Addressed {
  readonly before: { readonly failedAtMs: number; readonly id: string } | null;
  readonly limit: number;
}

export interface CommandCalls {
  /** Carries a command out, or says why the issue's state does not allow it; the same command again changes nothing. */
  commandIssue(command: IssueCommand): Promise<Outcome<IssueDetail>>;
  /** Keeps what a person says of an issue, instead of what he said before. */
  giveFeedback(command: FeedbackCommand): Promise<Outcome<FeedbackRecord>>;
  /** Newest first. */
  listDeadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
}
