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

export interface ArtifactView {
  readonly artifact: ArtifactRecord;
  readonly content: string;
  readonly diffPatch: string | null;
}

/** What hangs off one issue, oldest first, after a position. */
export interface PartQuery<Position> extends IssueRef {
  readonly after: Position | null;
  readonly limit: number;
}

/** A page of them; `more` follow after its last item. */
export interface IssuePart<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
}

/** Position of a step: jobs by id, which is by time, and within them attempts and steps by number. */
export type StepPosition = Pick<StepRecord, "jobId" | "attempt" | "number">;

export interface IssueReadCalls {
  readIssue(ref: IssueRef): Promise<IssueDetail | null>;
  /** However much has changed, the answer is bounded: then it is about a shorter stretch. */
  listUnprojected(query: ListQuery): Promise<UnprojectedPart<IssueRecord>>;
  /** Null when the issue is not here (or not visible): ask Postgres then. */
  listSteps(query: PartQuery<StepPosition>): Promise<IssuePart<StepRecord> | null>;
  /** By id, which is by time. */
  listLogs(query: PartQuery<string>): Promise<IssuePart<LogRecord> | null>;
  listArtifacts(query: PartQuery<string>): Promise<IssuePart<ArtifactView> | null>;
}
