/** Brings an organization's work in line with its switches, whenever they change or one of them ends. */
import type { CommandAuthor } from "../../contracts/organization-rpc.ts";
import type { Change } from "./change.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { EffectSender } from "./effect-sender.ts";
import type { JobTable } from "./job-table.ts";
import type { RunningJobs } from "./running-jobs.ts";
import type { SwitchGuard } from "./switch-guard.ts";
import type { TermsKeeper } from "./terms-keeper.ts";
import type { WorkClearing } from "./work-clearing.ts";

const deadlineName = "switches";
/** Issues next in line that are told why they wait now; of the others it is seen when they are read. */
const toldIssues = 20;

export interface SwitchEnforcerParts {
  readonly terms: TermsKeeper;
  readonly guard: SwitchGuard;
  readonly jobs: JobTable;
  readonly dispatcher: Dispatcher;
  readonly effectSender: EffectSender;
  readonly runningJobs: RunningJobs;
  readonly clearing: WorkClearing;
}

export class SwitchEnforcer {
  readonly #parts: SwitchEnforcerParts;
  #concerned: readonly string[] = [];

  constructor(parts: SwitchEnforcerParts) {
    this.#parts = parts;
  }

  /** Enforces terms that were accepted in this change; others are in force already. */
  enforceNews(change: Change): void {
    if (this.#parts.terms.takeNews()) this.enforce(change);
  }

  /**
   * Ends, drains or takes out of its slot what may not go on, and lets go on what may again. Repeating it changes
   * nothing.
   */
  enforce(change: Change): void {
    const { guard, terms, clearing, effectSender } = this.#parts;
    const { nowMs } = change;
    const { clear } = terms.current();
    if (clear !== null) clearing.carryOut(change, clear);
    this.#abort(change);
    this.#parts.runningJobs.drain(change, ({ record }) => guard.runningDecision(record, nowMs).kind === "yield");
    this.#rest(change);
    effectSender.sendWaiting(change);
    this.#concerned = this.#parts.jobs.firstWaiting(nowMs, toldIssues).map(({ issueId }) => issueId);
    const expiryMs = guard.nextExpiryMs(nowMs);
    if (expiryMs === null) change.deadlines.clear(deadlineName);
    else change.deadlines.set(deadlineName, expiryMs);
  }

  /** Waiting issues that the last enforcement may concern, once. */
  takeConcerned(): readonly string[] {
    const concerned = this.#concerned;
    this.#concerned = [];
    return concerned;
  }

  /** Cancels what runs against a switch, each in the name of that switch. */
  #abort(change: Change): void {
    const { guard, runningJobs } = this.#parts;
    const aborting = new Map<string, CommandAuthor>();
    const switchOf = (job: Parameters<SwitchGuard["runningDecision"]>[0]): string | null => {
      const decision = guard.runningDecision(job, change.nowMs);
      if (decision.kind !== "abort") return null;
      aborting.set(decision.by.id, { actor: decision.by.actor.name, reason: decision.by.reason });
      return decision.by.id;
    };
    for (const { record } of this.#parts.jobs.withSlot()) switchOf(record);
    for (const [id, author] of aborting) runningJobs.abort(change, author, ({ record }) => switchOf(record) === id);
  }

  /** Takes held jobs out of their slots, as far as no slice runs them. */
  #rest(change: Change): void {
    const { guard, jobs, dispatcher } = this.#parts;
    for (const job of jobs.withSlot()) {
      if (job.leaseUntilMs === null && guard.holdOf(job.record, change.nowMs) !== null) dispatcher.rest(change, job);
    }
  }
}
