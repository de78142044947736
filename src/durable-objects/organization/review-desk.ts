/** Opens reviews, takes people's decisions, and closes what nobody decided in time. */
import type { CommandAuthor, Outcome, ReviewDecision, ReviewDetail } from "../../contracts/organization-rpc.ts";
import type { ReviewRecord } from "../../contracts/records.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { Change } from "./change.ts";
import { contentHashOf } from "./content-hash.ts";
import type { EffectDesk } from "./effect-desk.ts";
import type { IssueTable } from "./issue-table.ts";
import { planPullRequest } from "./pull-request-plan.ts";
import { decideReview } from "./review-decision.ts";
import type { ReworkOrder } from "./rework.ts";
import type { ReviewTable } from "./review-table.ts";
import type { TermsKeeper } from "./terms-keeper.ts";

export interface ReviewDeskParts {
  readonly issues: IssueTable;
  readonly artifacts: ArtifactTable;
  readonly reviews: ReviewTable;
  readonly terms: TermsKeeper;
  readonly effects: EffectDesk;
  readonly expiresAfterMs: number;
  /** Has the work behind a change done again. */
  readonly rework: (change: Change, order: ReworkOrder) => void;
}

export interface ReviewOpening {
  readonly issueId: string;
  /** The job whose end opens the review. */
  readonly jobId: string;
  readonly artifactId: string;
  readonly approver: ReviewRecord["approver"];
  readonly agentVerdict: ReviewRecord["agentVerdict"];
}

export class ReviewDesk {
  readonly #parts: ReviewDeskParts;

  constructor(parts: ReviewDeskParts) {
    this.#parts = parts;
  }

  open(change: Change, { issueId, jobId, artifactId, approver, agentVerdict }: ReviewOpening): void {
    const { artifacts, reviews, expiresAfterMs } = this.#parts;
    const { content, diffPatch } = artifacts.view(artifactId);
    const review: ReviewRecord = {
      id: change.newId("review"),
      issueId,
      artifactId,
      status: "OPEN",
      approver,
      contentHash: contentHashOf({ content, diffPatch, files: artifacts.files(artifactId) }),
      agentVerdict,
      decidedBy: null,
      decidedAtMs: null,
      note: null,
      expiresAtMs: change.nowMs + expiresAfterMs,
      createdAtMs: change.nowMs,
    };
    reviews.save(review);
    change.deadlines.set(`review:${review.id}`, review.expiresAtMs);
    change.append({ type: "review.opened", issueId, jobId, data: { review } });
  }

  /** Takes a decision once; an approval begins its effect in the same transaction, a wish for changes the work on them. */
  decide(change: Change, decision: ReviewDecision): Outcome<ReviewRecord> {
    const { issues, reviews } = this.#parts;
    const review = reviews.find(decision.reviewId);
    if (review === null) return { ok: false, failure: { code: "not_found", detail: "There is no such review." } };
    const verdict = decideReview(decision, review, issues.get(review.issueId).createdById, change.nowMs);
    switch (verdict.kind) {
      case "refuse":
        return { ok: false, failure: verdict.failure };
      case "expired":
        this.expire(change, review.id);
        return { ok: false, failure: verdict.failure };
      case "repeat":
        return { ok: true, value: review };
      case "reject":
        return { ok: true, value: this.#close(change, review, decision, "REJECTED") };
      case "request_changes": {
        const closed = this.#close(change, review, decision, "CHANGES_REQUESTED");
        this.#parts.rework(change, { artifactId: review.artifactId, by: "person", note: verdict.note });
        return { ok: true, value: closed };
      }
      case "approve":
    }
    return this.#approve(change, review, decision);
  }

  /** Closes the issue's open reviews undecided, because the issue is cancelled. */
  cancelOpen(change: Change, issueId: string, { actor, reason }: CommandAuthor): void {
    for (const review of this.#parts.reviews.ofIssue(issueId)) {
      if (review.status === "OPEN") this.#close(change, review, { decidedBy: actor, note: reason }, "CANCELLED");
    }
  }

  /** Closes a review that is still open. */
  expire(change: Change, reviewId: string): void {
    const review = this.#parts.reviews.find(reviewId);
    if (review?.status === "OPEN") this.#close(change, review, { decidedBy: null, note: null }, "EXPIRED");
  }

  /** The review with its change; null when it is not here. */
  detail(reviewId: string): ReviewDetail | null {
    const { issues, artifacts, reviews } = this.#parts;
    const review = reviews.find(reviewId);
    if (review === null || artifacts.find(review.artifactId) === null) return null;
    return { review, issue: issues.get(review.issueId), artifact: artifacts.view(review.artifactId) };
  }

  #approve(change: Change, review: ReviewRecord, decision: ReviewDecision): Outcome<ReviewRecord> {
    const { artifacts, terms, effects } = this.#parts;
    const artifact = artifacts.view(review.artifactId);
    const { organizationId, repository } = terms.current();
    const planned = planPullRequest(
      artifact,
      { organizationId, repository },
      {
        ordinal: effects.countChanges(review.issueId) + 1,
        decidedAtMs: change.nowMs,
      },
    );
    if (planned.kind === "impossible") return { ok: false, failure: { code: "conflict", detail: planned.detail } };
    const closed = this.#close(change, review, decision, "APPROVED");
    effects.create(change, artifact.artifact, planned.plan);
    return { ok: true, value: closed };
  }

  #close(
    change: Change,
    review: ReviewRecord,
    { decidedBy, note }: Pick<ReviewRecord, "decidedBy" | "note">,
    status: Exclude<ReviewRecord["status"], "OPEN">,
  ): ReviewRecord {
    const closed: ReviewRecord = { ...review, status, decidedBy, note, decidedAtMs: change.nowMs };
    this.#parts.reviews.save(closed);
    change.deadlines.clear(`review:${review.id}`);
    change.append({ type: "review.decided", issueId: review.issueId, jobId: null, data: { review: closed } });
    return closed;
  }
}
