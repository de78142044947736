/** Runs the scenario of one seed to its end, and tells what was wrong with it. */
import type { SubmitCommand } from "../../src/contracts/organization-rpc.ts";
import { sealTerms, type Terms } from "../../src/contracts/terms.ts";
import { repeated } from "./caller.ts";
import { Chance } from "./chance.ts";
import { checkAsleep, checkEnd, countJobs, type JobCounts } from "./end-checks.ts";
import type { FaultRates } from "./faults.ts";
import { operate, putOrganization } from "./operator.ts";
import { commandIssue, react, talk } from "./people.ts";
import { noSabotage, type Sabotage } from "./sabotage.ts";
import { planScenario, type PlannedIssue, type PlannedOrganization, type Scenario } from "./scenario.ts";
import { World } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly jobs: JobCounts;
  /** The faults that it had. */
  readonly faults: ReadonlySet<keyof FaultRates>;
  /** Equal for equal runs. */
  readonly trace: number;
}

/** Long enough for every back-off, resend and lease that the faults may have left. */
const aftermathMs = 45 * 60_000;
/** Longer than anything is kept or waits for anybody. */
const sleepMs = 90 * 24 * 60 * 60_000;
const maxTasks = 25_000;
const cronMs = 5 * 60_000;
const maxSkewMs = 250;

class Run {
  readonly #scenario: Scenario;
  readonly #chance: Chance;
  readonly #world: World;

  constructor(seed: number, sabotage: Sabotage) {
    this.#chance = new Chance(seed);
    this.#scenario = sabotage.shape(planScenario(this.#chance));
    this.#world = new World(this.#scenario, this.#chance.fork(), sabotage, (organizationId, event) =>
      react(this.#world.outside, organizationId, event),
    );
  }

  async finish(seed: number): Promise<SeedResult> {
    const { observer, scheduler } = this.#world;
    const endMs = this.#begin();
    try {
      await scheduler.run(endMs, maxTasks, () => observer.problems.length > 0);
      if (observer.problems.length === 0) checkEnd(this.#world);
      if (observer.problems.length === 0) await this.#sleep(endMs);
    } catch (error) {
      observer.report(String(error));
    }
    const jobs = countJobs(observer.models.values());
    this.#world.dispose();
    const { happened } = this.#world.faults;
    return { seed, problems: observer.problems, jobs, faults: happened, trace: observer.trace() };
  }

  /** Lets weeks pass, in which nobody does anything: whatever may still end does, and the objects fall asleep. */
  async #sleep(sinceMs: number): Promise<void> {
    const { observer, scheduler } = this.#world;
    await scheduler.run(sinceMs + sleepMs, maxTasks, () => observer.problems.length > 0);
    if (observer.problems.length === 0) checkAsleep(this.#world);
  }

  /** Sets everything going; answers when the run is to be over. */
  #begin(): number {
    const { scheduler, observer, outside } = this.#world;
    const { startMs, faultsForMs, organizations, acts, evictionsAfterMs, leaps, hasCron } = this.#scenario;
    for (const organization of organizations) this.#beginOrganization(organization);
    for (const act of acts) scheduler.after(act.afterMs, () => void operate(outside, act));
    for (const afterMs of evictionsAfterMs) scheduler.after(afterMs, () => this.#disturb());
    for (const { afterMs, durationMs } of leaps) {
      scheduler.after(afterMs, () => {
        scheduler.leap(durationMs);
        observer.platform.leapt();
      });
    }
    scheduler.after(faultsForMs, () => this.#stopFaults());
    const endMs = startMs + faultsForMs + leaps.reduce((sum, { durationMs }) => sum + durationMs, 0) + aftermathMs;
    if (hasCron) {
      for (let atMs = startMs + cronMs; atMs < endMs; atMs += cronMs) scheduler.at(atMs, () => this.#cron());
    }
    return endMs;
  }

  #beginOrganization({ id, settings, issues }: PlannedOrganization): void {
    const { scheduler, outside } = this.#world;
    for (const planned of settings) scheduler.after(planned.afterMs, () => void putOrganization(outside, id, planned));
    for (const issue of issues) scheduler.after(issue.submittedAfterMs, () => void this.#submit(id, issue));
  }

  #stopFaults(): void {
    const { faults, observer, organizations } = this.#world;
    faults.stop();
    for (const host of this.#world.hosts()) host.setSkew(0);
    observer.platform.faultsStopped(organizations.values());
  }

  #cron(): void {
    void this.#world.outside
      .platform()
      .wakeOverdue(2 * cronMs)
      .catch(() => undefined);
  }

  /** An object loses its memory, and its next machine has another clock. */
  #disturb(): void {
    const hosts = this.#world.hosts();
    const host = hosts[this.#chance.between(0, hosts.length - 1)];
    host?.evict();
    host?.setSkew(this.#chance.between(-maxSkewMs, maxSkewMs));
  }

  async #submit(organizationId: string, issue: PlannedIssue): Promise<void> {
    const { outside, observer } = this.#world;
    const terms = await repeated(outside, () => outside.platform().readTerms(organizationId)).catch(() => null);
    if (terms === null) return;
    const command = submitCommand(organizationId, terms, issue, outside.scheduler.nowMs());
    const submit = () => outside.organization(organizationId).submit(command);
    const outcome = await (issue.key === null ? submit() : repeated(outside, submit)).catch(() => null);
    if (outcome?.ok === true && observer.models.get(organizationId)?.issues.has(outcome.value.issueId) !== true) {
      observer.report(`${organizationId} has answered for the issue ${outcome.value.issueId}, but not stored it`);
    }
    if (outcome?.ok !== true) return;
    const address = { organizationId, issueId: outcome.value.issueId };
    void commandIssue(outside, address, issue.commands);
    void talk(outside, address, issue.messages);
  }
}

/** What the edge submits for a planned issue. */
export function submitCommand(organizationId: string, terms: Terms, issue: PlannedIssue, nowMs: number) {
  const { priority, namesAgent, key, waitsMs, expiresAfterMs, concurrencyKey, maxCostMicroUsd, question } = issue;
  const notBeforeMs = waitsMs === null ? null : nowMs + waitsMs;
  const context: SubmitCommand["context"] =
    question === null ? {} : { question: { ...question, choices: [...question.choices] } };
  const expiresAtMs = expiresAfterMs === null ? null : nowMs + expiresAfterMs;
  return {
    organizationId,
    terms: sealTerms(terms),
    source: "MANUAL",
    type: "BUG",
    priority,
    title: "Briefs are stuck",
    description: "They never leave SUBMITTED.",
    context,
    externalId: key,
    idempotency: key === null ? null : { key, requestHash: key },
    requestedAgentType: namesAgent ? "meta.research" : null,
    requestedModel: null,
    notBeforeMs,
    expiresAtMs,
    concurrencyKey,
    maxCostMicroUsd,
    createdById: null,
    submitterLevel: "STAFF",
    correlationId: "req",
  } as const;
}

export function runSeed(seed: number, sabotage: Sabotage = noSabotage): Promise<SeedResult> {
  return new Run(seed, sabotage).finish(seed);
}
