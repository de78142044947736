/** What follows a job that a slice has finished. */
import type { JobOutcome, NextJob } from "../../contracts/organization-rpc.ts";
import type { ArtifactType } from "../../contracts/status.ts";
import { fileApprover, type FileApprover } from "../../contracts/review-policy.ts";

/** Changes that a person must approve before they take effect. */
const reviewedTypes: ReadonlySet<ArtifactType> = new Set<ArtifactType>(["CODE_CHANGE", "CONFIG", "ERP_CHANGE"]);

export function mustBeReviewed(type: ArtifactType): boolean {
  return reviewedTypes.has(type);
}

/** Who approves a change: by its paths, and changes of ERP data are the organization's own. */
export function approverOf(type: ArtifactType, paths: readonly string[], slug: string | null): FileApprover {
  return type === "ERP_CHANGE" ? { kind: "organization" } : fileApprover(paths, slug);
}

/** The change that a work job proposed, or that a review job read. */
export interface ProposedChange {
  readonly artifactId: string;
  readonly approver: FileApprover;
  /** Whether the work is the answer to an earlier send-back; there is only one. */
  readonly isRevision: boolean;
}

export type NextStep =
  | { readonly kind: "start_work"; readonly job: NextJob }
  | { readonly kind: "review_change"; readonly artifactId: string }
  | { readonly kind: "open_review"; readonly artifactId: string; readonly approver: "organization" | "platform" }
  | { readonly kind: "send_back"; readonly artifactId: string; readonly note: string }
  | { readonly kind: "refuse"; readonly path: string; readonly reason: string }
  | { readonly kind: "done" };

/** Decides what follows from an outcome and the change it is about; null when there is none. */
export function nextStep(outcome: JobOutcome, change: ProposedChange | null): NextStep {
  if (outcome.role === "triage") return { kind: "start_work", job: outcome.next };
  if (change === null) return { kind: "done" };
  if (change.approver.kind === "refused") {
    return { kind: "refuse", path: change.approver.path, reason: change.approver.reason };
  }
  if (outcome.role === "work") return { kind: "review_change", artifactId: change.artifactId };
  if (outcome.decision === "send_back" && !change.isRevision) {
    return { kind: "send_back", artifactId: change.artifactId, note: outcome.summary };
  }
  return { kind: "open_review", artifactId: change.artifactId, approver: change.approver.kind };
}
