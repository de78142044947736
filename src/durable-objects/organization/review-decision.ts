import type { ReviewDecision } from "../../contracts/organization-rpc.ts";
import type { ReviewRecord } from "../../contracts/records.ts";
import type { Failure } from "../../core/errors.ts";

export type ReviewVerdict =
  | { readonly kind: "approve" }
  | { readonly kind: "reject" }
  /** The work is done again, as the note says. */
  | { readonly kind: "request_changes"; readonly note: string }
  /** The same person has already decided the same. */
  | { readonly kind: "repeat" }
  /** Its time is over, though nothing has closed it yet. */
  | { readonly kind: "expired"; readonly failure: Failure }
  | { readonly kind: "refuse"; readonly failure: Failure };

const statusByDecision = {
  approve: "APPROVED",
  reject: "REJECTED",
  request_changes: "CHANGES_REQUESTED",
} as const;

function refuse(failure: Failure): ReviewVerdict {
  return { kind: "refuse", failure };
}

/** Decides whether a person may decide a review so, now. */
export function decideReview(
  decision: ReviewDecision,
  review: ReviewRecord,
  issueCreatedById: string | null,
  nowMs: number,
): ReviewVerdict {
  if (!decision.actingAs.includes(review.approver)) {
    const who = review.approver === "platform" ? "a platform administrator" : "a reviewer of the organization";
    return refuse({ code: "forbidden", detail: `Only ${who} decides this review.` });
  }
  if (issueCreatedById !== null && decision.deciderIds.includes(issueCreatedById)) {
    return refuse({ code: "forbidden", detail: "Nobody decides a review of an issue that he submitted himself." });
  }
  if (decision.contentHash !== review.contentHash) {
    const detail = "The content hash is not that of this review: look at the change again.";
    return refuse({ code: "conflict", detail, field: "contentHash" });
  }
  if (review.status !== "OPEN") {
    const isSame = review.status === statusByDecision[decision.decision] && review.decidedBy === decision.decidedBy;
    if (isSame) return { kind: "repeat" };
    return refuse({ code: "conflict", detail: `The review is closed: ${review.status}.` });
  }
  if (review.expiresAtMs <= nowMs) {
    return { kind: "expired", failure: { code: "conflict", detail: "The review is closed: EXPIRED." } };
  }
  if (decision.decision !== "request_changes") return { kind: decision.decision };
  if (decision.note !== null) return { kind: decision.decision, note: decision.note };
  return refuse({ code: "invalid_request", detail: "Say what should be changed.", field: "note" });
}
