/** GitHub, and the effects consumer. */
import type { EffectClaim, OrganizationRpc } from "../../src/contracts/organization-rpc.ts";
import type { EffectMessage } from "../../src/contracts/queue-messages.ts";
import type { PullRequestPlan, PullRequestResult } from "../../src/contracts/records.ts";
import { type Outside, repeated } from "./caller.ts";
import type { Settlement } from "./message-queue.ts";

/** Adopts what it has, as the port promises: what it counts are different wishes for one branch. */
export class ModelGitHub {
  /** What was asked for by branch: a redriven effect has the plan, and so the branch, of the one before. */
  readonly #wishes = new Map<string, Set<string>>();

  open(plan: PullRequestPlan): PullRequestResult {
    this.#wishes.set(plan.branch, (this.#wishes.get(plan.branch) ?? new Set()).add(JSON.stringify(plan)));
    return { number: 1, url: "https://github.invalid/1", branch: plan.branch, commit: "c0de" };
  }

  /** Branches for which more than one thing was asked. */
  ambiguousBranches(): readonly string[] {
    return [...this.#wishes].filter(([, wishes]) => wishes.size > 1).map(([branch]) => branch);
  }

  branches(): readonly string[] {
    return [...this.#wishes.keys()];
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
    : ({ kind: "completed", result: gitHub.open(claim.plan) } as const);
  await repeated(outside, () => organization.finishEffect({ ...ref, outcome })).catch(() => undefined);
  return null;
}
