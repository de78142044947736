/** What the switches mean for this organization now. */
import { breakerSwitch, isBreakerSwitch } from "../../contracts/breakers.ts";
import type { JobRecord } from "../../contracts/records.ts";
import type { ModelName } from "../../contracts/models.ts";
import {
  debugging,
  decideEffect,
  decideRunning,
  decideStart,
  type HeldJobs,
  heldJobs,
  isDebugged,
  isDebuggedJob,
  nextExpiryMs,
  type RunningDecision,
  submissionRefusal,
  type SwitchSubject,
  toolsOff,
} from "../../contracts/switch-evaluation.ts";
import type { Switch } from "../../contracts/switches.ts";
import type { Failure } from "../../core/errors.ts";
import type { JobTable } from "./job-table.ts";
import type { TermsKeeper } from "./terms-keeper.ts";

export interface SwitchGuardParts {
  readonly organizationId: string;
  readonly terms: TermsKeeper;
  readonly jobs: JobTable;
  /** Switches that only a deploy can change. */
  readonly settingSwitches: readonly Switch[];
}

type SwitchedJob = Pick<JobRecord, "agentType" | "model" | "id">;

export class SwitchGuard {
  readonly #parts: SwitchGuardParts;

  constructor(parts: SwitchGuardParts) {
    this.#parts = parts;
  }

  /** What a submission is told when a switch refuses it. */
  refusal(
    request: { readonly requestedAgentType: string | null; readonly requestedModel: ModelName | null },
    nowMs: number,
  ): Failure | null {
    const { requestedAgentType: agentType, requestedModel: model } = request;
    return submissionRefusal(this.#switches(), this.#subject({ agentType, model, id: null }), nowMs);
  }

  /** The switch that keeps the job from being dispatched; null without one. */
  holdOf(job: SwitchedJob, nowMs: number): Switch | null {
    const decision = decideStart(this.#switches(), this.#subject(job), nowMs);
    return decision.kind === "hold" ? decision.by : null;
  }

  /** What a waiting job waits for, whatever slots are free: a switch, or the provider of its model. */
  waitingHold(job: SwitchedJob, nowMs: number): "switch" | "provider_back_off" | null {
    const by = this.holdOf(job, nowMs);
    if (by !== null) return isBreakerSwitch(by) ? "provider_back_off" : "switch";
    const isProbed = this.#parts.terms.current().breakers.some(({ model }) => model === job.model);
    return isProbed ? "provider_back_off" : null;
  }

  /** What becomes of a job that runs. */
  runningDecision(job: SwitchedJob, nowMs: number): RunningDecision {
    return decideRunning(this.#switches(), this.#subject(job), nowMs);
  }

  /** The waiting jobs that get no slot now: those that are held, and those of which one is debugged already. */
  heldJobs(nowMs: number): HeldJobs {
    const switches = this.#switches();
    const { organizationId, jobs } = this.#parts;
    const debugged = debugging(switches, nowMs);
    const busy =
      debugged.length === 0
        ? []
        : debugged.filter((by) => jobs.withSlot().some(({ record }) => isDebugged(by, this.#subject(record))));
    return heldJobs(switches, organizationId, nowMs, busy);
  }

  /** Whether a job is debugged now. A model on trial lets jobs run one at a time as well, but somebody waits for what they do. */
  isDebugged(job: SwitchedJob, nowMs: number): boolean {
    return isDebuggedJob(this.#ownSwitches(), this.#subject(job), nowMs);
  }

  /** The switch that keeps pull requests from being opened; null without one. */
  pullRequestHold(nowMs: number): Switch | null {
    const { organizationId } = this.#parts;
    const decision = decideEffect(this.#switches(), { organizationId, feature: "pull_requests" }, nowMs);
    return decision.kind === "wait" ? decision.by : null;
  }

  /** Tools that a slice may not use. */
  toolsOff(nowMs: number): readonly string[] {
    return toolsOff(this.#switches(), nowMs);
  }

  /** When the next switch ends by itself; null when none does. */
  nextExpiryMs(nowMs: number): number | null {
    return nextExpiryMs(this.#switches(), nowMs);
  }

  /** What operators and the deploy have set. */
  #ownSwitches(): readonly Switch[] {
    const { settingSwitches, terms } = this.#parts;
    return [...settingSwitches, ...terms.current().switches];
  }

  /** The same, and what the breakers of models mean for starts. */
  #switches(): readonly Switch[] {
    return [...this.#ownSwitches(), ...this.#parts.terms.current().breakers.map(breakerSwitch)];
  }

  #subject({
    agentType,
    model,
    id: jobId,
  }: Pick<SwitchSubject, "agentType" | "model"> & { readonly id: string | null }): SwitchSubject {
    return { organizationId: this.#parts.organizationId, agentType, model, jobId };
  }
}
