import { z } from "zod";
import type { ArtifactView } from "../../contracts/organization-rpc.ts";
import type { PullRequestPlan } from "../../contracts/records.ts";
import { type Repository, repositoryKey, repositorySchema } from "../../contracts/terms.ts";
import { isoTime } from "../../core/clock.ts";

const author = { name: "SpokeStack Agents", email: "agents@spokestack.invalid" };

/** What the proposing tool wrote down beside a change. */
const changeMetadataSchema = z.object({
  title: z.string().min(1),
  baseCommit: z.string().min(1),
  baseBranch: z.string().min(1),
  repository: repositorySchema,
});

export type PlanDecision =
  | { readonly kind: "plan"; readonly plan: Omit<PullRequestPlan, "files"> }
  | { readonly kind: "impossible"; readonly detail: string };

/** Which of the issue's approved changes it is, counted from 1, and when it was approved. */
export interface Approval {
  readonly ordinal: number;
  readonly decidedAtMs: number;
}

/**
 * The branch of an issue's change. The first has the issue's own name; each further one a branch of its own, because the
 * first may be merged, open or closed by then, and no branch is ever moved.
 */
function branchOf(organizationId: string, issueId: string, ordinal: number): string {
  const name = `agent/org-${organizationId}/${issueId}`;
  return ordinal === 1 ? name : `${name}-${ordinal}`;
}

/** Fixes commit and pull request of an approved change; everything in it is known before the first outside call. */
export function planPullRequest(
  change: ArtifactView,
  organization: { readonly organizationId: string; readonly repository: Repository | null },
  { ordinal, decidedAtMs }: Approval,
): PlanDecision {
  const metadata = changeMetadataSchema.safeParse(change.artifact.metadata);
  if (!metadata.success) return { kind: "impossible", detail: "This change cannot be made into a pull request." };
  const { title, baseBranch, baseCommit, repository } = metadata.data;
  const bound = organization.repository;
  if (bound === null || repositoryKey(bound) !== repositoryKey(repository)) {
    return { kind: "impossible", detail: "The change is for a repository that is no longer the organization's." };
  }
  const { issueId } = change.artifact;
  return {
    kind: "plan",
    plan: {
      repository,
      baseBranch,
      baseCommit,
      branch: branchOf(organization.organizationId, issueId, ordinal),
      commitMessage: `${title}\n\nIssue: ${issueId}\n`,
      author: { ...author, dateIso: isoTime(decidedAtMs) },
      title,
      body: change.content,
    },
  };
}
