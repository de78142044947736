/** Reading issues, and the shape in which they leave the object and come back. */
import type { Visibility } from "../caller.ts";
import type { Conversation } from "../conversation.ts";
import type { IssueFilter, ListPosition } from "../issue-filter.ts";
import type {
  ArtifactRecord,
  EffectRecord,
  FeedbackRecord,
  IssueRecord,
  JobRecord,
  LogRecord,
  ReviewRecord,
  StepRecord,
} from "../records.ts";
import type { BlockingLimit } from "../status.ts";
import type { Addressed } from "./outcome.ts";
import type { AttemptPrompt } from "./slices.ts";

export interface IssueRef extends Addressed {
  readonly issueId: string;
  readonly visibility: Visibility;
}

export interface IssueDetail extends Conversation {
  readonly issue: IssueRecord;
  readonly jobs: readonly JobRecord[];
  readonly stepCount: number;
  readonly reviews: readonly ReviewRecord[];
  readonly effects: readonly EffectRecord[];
  readonly feedback: readonly FeedbackRecord[];
  readonly waitingFor: BlockingLimit;
  /** What is set aside for the issue's model calls that are under way, beside its cost. */
  readonly reservedMicroUsd: number;
  /** The reason given for the switch that it waits for; null when it waits for none. */
  readonly waitingReason: string | null;
}

/** An issue as Postgres holds it; a command on one that has left the object brings it along, and so back. */
export type ArchivedIssue = Pick<
  IssueDetail,
  "issue" | "jobs" | "stepCount" | "reviews" | "effects" | "feedback" | "questions" | "messages"
>;

/** A command about an issue that may have left the object. */
export interface Archivable {
  /** The issue, when the object has answered `not_found` without it and Postgres holds it. */
  readonly archived?: ArchivedIssue;
}

export interface ListQuery extends Addressed {
  readonly visibility: Visibility;
  readonly filter: IssueFilter;
  readonly before: ListPosition | null;
  readonly limit: number;
}

/** What the object answers for in a stretch of a list: what may have changed since Postgres was last brought up to date. */
export interface UnprojectedPart<Item> {
  /** Matching items of the stretch, newest first. */
  readonly matching: readonly Item[];
  /** Ids of all its items that Postgres might list otherwise, the matching ones among them. */
  readonly replacedIds: readonly string[];
  /** The stretch ends with this position, and more may follow; null when it goes on to the end of the list. */
  readonly through: ListPosition | null;
}

export interface TranscriptQuery extends IssueRef {
  /** Null for the last work of the issue. */
  readonly jobId: string | null;
  /** Null for the last attempt of the job. */
  readonly attempt: number | null;
  readonly afterPosition: number;
  readonly limit: number;
}

/** Part of what an attempt sent to its model and got back, in order. */
export interface TranscriptPage {
  readonly jobId: string;
  readonly attempt: number;
  readonly prompt: AttemptPrompt;
  readonly messages: readonly {
    readonly position: number;
    /** Steps that were recorded when it was appended; null for one from before this was kept. */
    readonly afterStep: number | null;
    /** JSON text, as it is sent. */
    readonly message: string;
  }[];
  readonly isLast: boolean;
}

export interface ArtifactView {
  readonly artifact: ArtifactRecord;
  readonly content: string;
  readonly diffPatch: string | null;
}

export interface IssueReadCalls {
  readIssue(ref: IssueRef): Promise<IssueDetail | null>;
  /** However much has changed, the answer is bounded: then it is about a shorter stretch. */
  listUnprojected(query: ListQuery): Promise<UnprojectedPart<IssueRecord>>;
  /** Null when the issue is not here (or not visible): ask Postgres then. */
  listSteps(ref: IssueRef): Promise<readonly StepRecord[] | null>;
  listLogs(ref: IssueRef): Promise<readonly LogRecord[] | null>;
  /** Null when there is no such attempt (or none to be seen), and when it is kept no longer. */
  readTranscript(query: TranscriptQuery): Promise<TranscriptPage | null>;
  listArtifacts(ref: IssueRef): Promise<readonly ArtifactView[] | null>;
}
