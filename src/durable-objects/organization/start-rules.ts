/** What decides whether an organization may submit and start work now: its money, its switches and its limits. */
import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { ClearOrder } from "../../contracts/switches.ts";
import type { AdmissionGuards } from "./admission.ts";
import { BudgetDesk } from "./budget-desk.ts";
import type { OrganizationOptions } from "./organization-options.ts";
import type { OrganizationTables } from "./organization-tables.ts";
import { SwitchGuard } from "./switch-guard.ts";

/** `isClearing` tells whether some of an order to clear is still to be done: nothing starts meanwhile. */
export function createStartRules(
  { organizationId, ports, settingSwitches, globalSlots }: OrganizationOptions,
  { issues, jobs, steps, terms, budgetTable }: OrganizationTables,
  isClearing: (order: ClearOrder | null) => boolean,
) {
  const budget = new BudgetDesk({ jobs, issues, steps, budget: budgetTable, limits: () => terms.current().limits });
  const switchGuard = new SwitchGuard({ organizationId, terms, jobs, settingSwitches });
  const guards: AdmissionGuards = {
    switchRefusal: (request, nowMs) => switchGuard.refusal(request, nowMs),
    budgetRefusal: (nowMs) => budget.refusal(nowMs),
  };
  const heldJobs = (nowMs: number): HeldJobs =>
    isClearing(terms.current().clear) ? { kind: "all" } : switchGuard.heldJobs(nowMs);
  /** No slot at all while there is no money. */
  const startLimits = () => {
    const { concurrentJobs, weight } = terms.current().limits;
    const isBlocked = budget.blocksStarts(ports.clock.nowMs());
    return { concurrencyLimit: isBlocked ? 0 : Math.min(concurrentJobs, globalSlots), weight };
  };
  return { budget, switchGuard, guards, heldJobs, startLimits };
}
