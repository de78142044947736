/** Carries out what platform administrators do in a run, as the edge would. */
import type { OrganizationSettings } from "../../src/contracts/platform-rpc.ts";
import { type Outside, repeated } from "./caller.ts";
import type { PlannedAct, PlannedSettings } from "./operator-plan.ts";
import { repository } from "./slice-content.ts";

const actor = { kind: "platform", name: "root" } as const;
const reason = "An operator's reason.";

export async function operate(outside: Outside, act: PlannedAct): Promise<void> {
  const { scheduler } = outside;
  const platform = outside.platform();
  if (act.kind === "administer") {
    const { action, scope } = act;
    await repeated(outside, () => platform.administer({ action, scope, actor, reason })).catch(() => undefined);
    return;
  }
  const { scope, mode, forMs, removedAfterMs } = act;
  const expiresAtMs = forMs === null ? null : scheduler.nowMs() + forMs;
  const set = await platform.setSwitch({ scope, mode, actor, reason, expiresAtMs }).catch(() => null);
  if (set?.ok !== true || removedAfterMs === null) return;
  await scheduler.sleep(removedAfterMs);
  const switchId = set.value.id;
  await repeated(outside, () => platform.removeSwitch({ switchId, actor, reason })).catch(() => undefined);
}

/** Sets an organization up, or up anew. */
export async function putOrganization(
  outside: Outside,
  organizationId: string,
  planned: PlannedSettings,
): Promise<void> {
  const { tier, isBound, overridesForMs } = planned;
  const { concurrentJobs, weight, dailyBudgetMicroUsd, monthlyBudgetMicroUsd } = planned;
  const settings: OrganizationSettings = {
    organizationId,
    tier,
    slug: null,
    repository: isBound ? repository : null,
    limitOverrides: {
      limits: {
        ...(concurrentJobs === null ? {} : { concurrentJobs }),
        ...(weight === null ? {} : { weight }),
        ...(dailyBudgetMicroUsd === null ? {} : { dailyBudgetMicroUsd }),
        ...(monthlyBudgetMicroUsd === null ? {} : { monthlyBudgetMicroUsd }),
      },
      expiresAtMs: overridesForMs === null ? null : outside.scheduler.nowMs() + overridesForMs,
    },
  };
  await repeated(outside, () => outside.platform().putOrganization({ ...settings, actor })).catch(() => undefined);
}
