/** What decides on changes and carries them out: reviews, and the effects of approved ones. */
import type { BudgetDesk } from "./budget-desk.ts";
import { EffectDesk } from "./effect-desk.ts";
import { EffectSender } from "./effect-sender.ts";
import type { OrganizationOptions } from "./organization-options.ts";
import type { OrganizationTables } from "./organization-tables.ts";
import { ReviewDesk } from "./review-desk.ts";
import { rework } from "./rework.ts";
import type { SwitchGuard } from "./switch-guard.ts";

export function createReviewing(
  { ports, timings, reviewExpiresAfterMs, sendEffect }: OrganizationOptions,
  { issues, jobs, workspaces, artifacts, effectTable, reviewTable, terms }: OrganizationTables,
  { switchGuard, budget }: { readonly switchGuard: SwitchGuard; readonly budget: BudgetDesk },
) {
  const effectSender = new EffectSender({
    issues,
    effects: effectTable,
    timings,
    isHeld: (nowMs) => switchGuard.pullRequestHold(nowMs) !== null,
    send: sendEffect,
  });
  const effects = new EffectDesk({
    artifacts,
    effects: effectTable,
    sender: effectSender,
    timings,
    isDebugged: ({ artifactId }, nowMs) => {
      const job = jobs.find(artifacts.find(artifactId)?.jobId ?? "");
      return job !== null && switchGuard.isDebugged(job.record, nowMs);
    },
    random: ports.random,
  });
  const reviews = new ReviewDesk({
    issues,
    artifacts,
    reviews: reviewTable,
    terms,
    effects,
    expiresAfterMs: reviewExpiresAfterMs,
    rework: (change, order) => rework(change, { issues, jobs, workspaces, artifacts, budget }, order),
  });
  return { effectSender, effects, reviews };
}
