/** The queue of reviews, and what people decide. */
import type { IssueRecord, ReviewRecord } from "../records.ts";
import type { ListPosition } from "../issue-filter.ts";
import type { Archivable, ArtifactView, UnprojectedPart } from "./issue-reads.ts";
import type { Addressed, Outcome } from "./outcome.ts";

export interface ReviewDetail {
  readonly review: ReviewRecord;
  readonly issue: IssueRecord;
  readonly artifact: ArtifactView;
}

export interface ReviewQuery extends Addressed {
  /** Any of these; null for all. */
  readonly status: readonly ReviewRecord["status"][] | null;
  readonly before: ListPosition | null;
  readonly limit: number;
}

export interface ReviewDecision extends Addressed, Archivable {
  readonly reviewId: string;
  readonly decision: "approve" | "reject" | "request_changes";
  readonly note: string | null;
  readonly contentHash: string;
  readonly decidedBy: string;
  /** Kinds of approver the decider may stand for. */
  readonly actingAs: readonly ReviewRecord["approver"][];
  /** The decider's own user ids; nobody approves his own change. */
  readonly deciderIds: readonly string[];
}

export interface ReviewCalls {
  /** Bounded as `listUnprojected` of issues is. */
  listUnprojectedReviews(query: ReviewQuery): Promise<UnprojectedPart<ReviewRecord>>;
  readReview(query: Addressed & { readonly reviewId: string }): Promise<ReviewDetail | null>;
  decideReview(decision: ReviewDecision): Promise<Outcome<ReviewRecord>>;
}
