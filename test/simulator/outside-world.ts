/** GitHub, the effects consumer, and the people who decide reviews. */
import type { EffectClaim, OrganizationRpc } from "../../src/contracts/organization-rpc.ts";
import type { EffectMessage } from "../../src/contracts/queue-messages.ts";
import type { PullRequestPlan, PullRequestResult, ReviewRecord } from "../../src/contracts/records.ts";
import { type Outside, repeated } from "./caller.ts";
import type { Settlement } from "./message-queue.ts";

/** Adopts what it has, as the port promises: what it counts are different wishes under one key. */
export class ModelGitHub {
  readonly #wishes = new Map<string, Set<string>>();

  open(effectId: string, plan: PullRequestPlan): PullRequestResult {
    const key = `${effectId} ${plan.branch}`;
    this.#wishes.set(key, (this.#wishes.get(key) ?? new Set()).add(JSON.stringify(plan)));
    return { number: 1, url: "https://github.invalid/1", branch: plan.branch, commit: "c0de" };
  }

  /** Keys under which more than one thing was asked for. */
  ambiguousKeys(): readonly string[] {
    return [...this.#wishes].filter(([, wishes]) => wishes.size > 1).map(([key]) => key);
  }

  branches(): readonly string[] {
    return [...this.#wishes.keys()].map((key) => key.split(" ")[1] ?? "");
  }
}

/** Takes a message of `agent-effects`. */
export async function consumeEffect(
  outside: Outside,
  gitHub: ModelGitHub,
  { organizationId, effectId }: EffectMessage,
  attempts: number,
): Promise<Settlement> {
  const { scheduler, chance, faults } = outside;
  const organization: OrganizationRpc = outside.organization(organizationId);
  let claim: EffectClaim;
  try {
    claim = await organization.claimEffect({ organizationId, effectId });
  } catch {
    return 1_000 * attempts;
  }
  if (claim.kind === "stale") return null;
  const ref = { organizationId, effectId, epoch: claim.epoch };
  await scheduler.sleep(chance.between(100, 3_000));
  if (faults.happens("sliceDies")) return null;
  if (faults.happens("sliceStalls")) await scheduler.sleep(chance.between(16_000, 40_000));
  const error = { reason: "unavailable", message: "Told to fail." };
  const outcome = faults.happens("sliceFails")
    ? ({ kind: "transient", error, retryAfterMs: null } as const)
    : ({ kind: "completed", result: gitHub.open(effectId, claim.plan) } as const);
  await repeated(outside, () => organization.finishEffect({ ...ref, outcome })).catch(() => undefined);
  return null;
}

/** A person looks at an open review, and decides it until the decision is taken; some never do. */
export async function decideReview(outside: Outside, organizationId: string, review: ReviewRecord): Promise<void> {
  const { scheduler, chance } = outside;
  const organization = outside.organization(organizationId);
  const decision = chance.happens(0.75) ? "approve" : "reject";
  await scheduler.sleep(chance.between(500, 20_000));
  for (;;) {
    try {
      await organization.decideReview({
        organizationId,
        reviewId: review.id,
        decision,
        note: null,
        contentHash: review.contentHash,
        decidedBy: "reviewer",
        actingAs: ["organization", "platform"],
        deciderIds: ["reviewer"],
      });
      return;
    } catch {
      await scheduler.sleep(1_000);
    }
  }
}
