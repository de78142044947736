/** Whether an attempt of an issue may be replayed from one of its steps, and which one is meant. */
import { type ModelName, modelNames, modelTable } from "../../contracts/models.ts";
import type { ReplayOrder } from "../../contracts/organization-rpc.ts";
import type { EffectRecord, JobRecord, JsonValue, ReviewRecord } from "../../contracts/records.ts";
import { isTerminalJobStatus } from "../../contracts/status.ts";
import type { Failure } from "../../core/errors.ts";

/** `config` of a job that replays another one: where it began. */
const replayKey = "replay";

export interface ReplayedStep {
  readonly jobId: string;
  readonly attempt: number;
  readonly step: number;
}

type Config = Readonly<Record<string, JsonValue>>;

/** The part of a job's `config` that says what it replays. */
export function replayConfig({ jobId, attempt, step }: ReplayedStep): Config {
  return { [replayKey]: { jobId, attempt, step } };
}

/** The `config` of what follows a job: it goes on from where that job came to, not from where a replay of it began. */
export function withoutReplay({ [replayKey]: _replayed, ...config }: Config): Config {
  return config;
}

/** What a job replays; null for one that replays nothing. */
export function replayedStepOf(config: Config): ReplayedStep | null {
  const replay = config[replayKey];
  if (typeof replay !== "object" || replay === null || Array.isArray(replay)) return null;
  const { jobId, attempt, step } = replay;
  if (typeof jobId !== "string" || typeof attempt !== "number" || typeof step !== "number") return null;
  return { jobId, attempt, step };
}

/**
 * When the work was last begun anew by a replay. Whatever had ended by then no longer counts: neither for the
 * issue's status, nor for what a retry does again. 0 without a replay.
 */
export function begunAnewAtMs(jobs: readonly { readonly record: Pick<JobRecord, "config" | "createdAtMs"> }[]): number {
  const times = jobs.map(({ record }) => (replayedStepOf(record.config) === null ? 0 : record.createdAtMs));
  return Math.max(0, ...times);
}

/** The name of the model that a transcript was made with; null for one that is no longer in the table. */
export function modelOf(modelId: string): ModelName | null {
  return modelNames.find((name) => modelTable[name].apiId === modelId) ?? null;
}

export interface ReplayFacts {
  /** Every job of the issue, oldest first. */
  readonly jobs: readonly Pick<JobRecord, "id" | "role" | "status" | "attempts" | "config" | "model">[];
  readonly reviews: readonly Pick<ReviewRecord, "status">[];
  readonly effects: readonly Pick<EffectRecord, "status">[];
  /** Steps that are kept of an attempt. */
  readonly countSteps: (jobId: string, attempt: number) => number;
  /** Whether the transcript says at which step each of its messages came. */
  readonly isCuttable: (jobId: string, attempt: number) => boolean;
}

export type ReplayDecision =
  | { readonly kind: "replay"; readonly from: ReplayedStep }
  /** The same replay is under way. */
  | { readonly kind: "repeat" }
  | { readonly kind: "refuse"; readonly failure: Failure };

function refuse(failure: Failure): ReplayDecision {
  return { kind: "refuse", failure };
}

function isSame(config: Config, from: ReplayedStep): boolean {
  const known = replayedStepOf(config);
  return known?.jobId === from.jobId && known.attempt === from.attempt && known.step === from.step;
}

/** The job that is meant when none is named: the last work that ended, or whatever ended last. */
function jobMeant(facts: ReplayFacts, jobId: string | null): ReplayFacts["jobs"][number] | undefined {
  if (jobId !== null) return facts.jobs.find(({ id }) => id === jobId);
  const begun = facts.jobs.filter(({ attempts, status }) => attempts > 0 && isTerminalJobStatus(status));
  return begun.findLast(({ role }) => role === "work") ?? begun.at(-1);
}

/** A replay begins the work anew: nothing of it may be under way, or wait for a person. */
export function decideReplay(order: ReplayOrder, facts: ReplayFacts): ReplayDecision {
  const job = jobMeant(facts, order.jobId);
  if (job === undefined) {
    return refuse({ code: "conflict", detail: "The issue has no such job that began.", field: "jobId" });
  }
  const from = { jobId: job.id, attempt: order.attempt ?? job.attempts, step: order.fromStep };
  const living = facts.jobs.filter(({ status }) => !isTerminalJobStatus(status));
  const hasOther = order.model !== null && living.some(({ model }) => model !== order.model);
  if (living.length > 0) {
    if (!hasOther && living.every(({ config }) => isSame(config, from))) return { kind: "repeat" };
    return refuse({ code: "conflict", detail: "Work on the issue is under way: cancel it before it is replayed." });
  }
  if (facts.reviews.some(({ status }) => status === "OPEN")) {
    return refuse({
      code: "conflict",
      detail: "A review of the issue is open: decide it before its work is replayed.",
    });
  }
  if (facts.effects.some(({ status }) => status === "PENDING" || status === "RUNNING")) {
    return refuse({ code: "conflict", detail: "An approved change is being carried out: wait for its end." });
  }
  if (from.step > facts.countSteps(from.jobId, from.attempt)) {
    const detail = "The attempt has no such step, or is kept no longer.";
    return refuse({ code: "conflict", detail, field: "fromStep" });
  }
  if (!facts.isCuttable(from.jobId, from.attempt)) {
    return refuse({ code: "conflict", detail: "The attempt was recorded before attempts could be replayed." });
  }
  return { kind: "replay", from };
}
