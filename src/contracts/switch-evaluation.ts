/** What the switches mean for a submission, a job, an effect or a tool: pure decisions that name the switch behind them. */
import type { Failure } from "../core/errors.ts";
import type { ModelName } from "./models.ts";
import { type FeatureName, scopeValue, type Switch, type SwitchMode } from "./switches.ts";

/** What a switch may concern; a part that is not known is null. */
export interface SwitchSubject {
  readonly organizationId: string;
  readonly agentType: string | null;
  readonly model: ModelName | null;
  readonly jobId: string | null;
}

export type SubmissionDecision =
  | { readonly kind: "accept" }
  | { readonly kind: "refuse"; readonly by: Switch; readonly retryAfterSeconds: number };
export type StartDecision = { readonly kind: "start" } | { readonly kind: "hold"; readonly by: Switch };
export type RunningDecision =
  | { readonly kind: "go_on" }
  | { readonly kind: "yield"; readonly by: Switch }
  | { readonly kind: "abort"; readonly by: Switch };
export type EffectDecision = { readonly kind: "run" } | { readonly kind: "wait"; readonly by: Switch };

/** Which waiting jobs of an organization may not start, in a form that a query can use. */
export type HeldJobs =
  | { readonly kind: "none" }
  | { readonly kind: "all" }
  | {
      readonly kind: "some";
      readonly agents: readonly string[];
      readonly modules: readonly string[];
      readonly models: readonly string[];
    };

/** A refused caller comes back after this long when no end is known. */
const unknownEndRetryAfterSeconds = 300;
/** What keeps a job from starting, the strongest first. */
const holdingModes: readonly SwitchMode[] = ["abort", "drain", "hold"];

/** The module that an agent belongs to: `briefs` of `briefs.status-workflow`. */
export function moduleOf(agentType: string): string {
  const dot = agentType.indexOf(".");
  return dot === -1 ? agentType : agentType.slice(0, dot);
}

/** Whether a switch is in force: it does nothing from the moment it expires. */
export function isInForce({ expiresAtMs }: Pick<Switch, "expiresAtMs">, nowMs: number): boolean {
  return expiresAtMs === null || expiresAtMs > nowMs;
}

/** When the next of them expires; null when none will. */
export function nextExpiryMs(switches: readonly Switch[], nowMs: number): number | null {
  const ends = switches.flatMap(({ expiresAtMs }) => (expiresAtMs !== null && expiresAtMs > nowMs ? expiresAtMs : []));
  return ends.length === 0 ? null : Math.min(...ends);
}

function concerns({ scope }: Switch, { organizationId, agentType, model, jobId }: SwitchSubject): boolean {
  switch (scope.kind) {
    case "platform":
      return true;
    case "organization":
      return scope.value === organizationId;
    case "agent":
      return scope.value === agentType;
    case "module":
      return agentType !== null && scope.value === moduleOf(agentType);
    case "model":
      return scope.value === model;
    case "job":
      return scope.value === jobId && scope.organizationId === organizationId;
    case "tool":
    case "feature":
  }
  return false;
}

/** Those in force that concern the subject, oldest first. */
function applying(switches: readonly Switch[], subject: SwitchSubject, nowMs: number): readonly Switch[] {
  return switches
    .filter((candidate) => isInForce(candidate, nowMs) && concerns(candidate, subject))
    .toSorted((left, right) => left.createdAtMs - right.createdAtMs || (left.id < right.id ? -1 : 1));
}

function strongest(candidates: readonly Switch[], modes: readonly SwitchMode[]): Switch | null {
  for (const mode of modes) {
    const found = candidates.find((candidate) => candidate.mode === mode);
    if (found !== undefined) return found;
  }
  return null;
}

/** Whether a submission is accepted; if not, when it is worth another try: when the last switch that refuses it ends. */
export function decideSubmission(
  switches: readonly Switch[],
  subject: SwitchSubject,
  nowMs: number,
): SubmissionDecision {
  const refusing = applying(switches, subject, nowMs).filter(({ mode }) => mode === "refuse");
  const endOf = ({ expiresAtMs }: Switch): number => expiresAtMs ?? Number.POSITIVE_INFINITY;
  const [last] = refusing.toSorted((left, right) => endOf(right) - endOf(left));
  if (last === undefined) return { kind: "accept" };
  const retryAfterSeconds =
    last.expiresAtMs === null ? unknownEndRetryAfterSeconds : Math.ceil((last.expiresAtMs - nowMs) / 1_000);
  return { kind: "refuse", by: last, retryAfterSeconds };
}

/** What a refused caller is told; null when the submission is accepted. The reason is the operator's own words. */
export function submissionRefusal(switches: readonly Switch[], subject: SwitchSubject, nowMs: number): Failure | null {
  const decision = decideSubmission(switches, subject, nowMs);
  if (decision.kind === "accept") return null;
  const { by, retryAfterSeconds } = decision;
  return { code: "switched_off", detail: by.reason, retryAfterSeconds };
}

/** Whether a job may be dispatched. */
export function decideStart(switches: readonly Switch[], subject: SwitchSubject, nowMs: number): StartDecision {
  const by = strongest(applying(switches, subject, nowMs), holdingModes);
  return by === null ? { kind: "start" } : { kind: "hold", by };
}

/** What becomes of a job whose slice runs. */
export function decideRunning(switches: readonly Switch[], subject: SwitchSubject, nowMs: number): RunningDecision {
  const by = strongest(applying(switches, subject, nowMs), ["abort", "drain"]);
  if (by === null) return { kind: "go_on" };
  return by.mode === "abort" ? { kind: "abort", by } : { kind: "yield", by };
}

/** Whether an effect that nobody carries out yet may begin: a hold on agents, modules or models does not concern it. */
export function decideEffect(
  switches: readonly Switch[],
  { organizationId, feature }: { readonly organizationId: string; readonly feature: FeatureName },
  nowMs: number,
): EffectDecision {
  const off = switches.find(
    (candidate) =>
      isInForce(candidate, nowMs) && candidate.scope.kind === "feature" && candidate.scope.value === feature,
  );
  if (off !== undefined) return { kind: "wait", by: off };
  const by = strongest(
    applying(switches, { organizationId, agentType: null, model: null, jobId: null }, nowMs),
    holdingModes,
  );
  return by === null ? { kind: "run" } : { kind: "wait", by };
}

/** Tools that may not be used now. */
export function toolsOff(switches: readonly Switch[], nowMs: number): readonly string[] {
  return switches.flatMap((candidate) =>
    candidate.scope.kind === "tool" && isInForce(candidate, nowMs) ? candidate.scope.value : [],
  );
}

/** The switches in force under which jobs that they concern run one at a time. */
export function debugging(switches: readonly Switch[], nowMs: number): readonly Switch[] {
  return switches.filter((candidate) => candidate.mode === "debug" && isInForce(candidate, nowMs));
}

/** Whether a switch of mode `debug` concerns the subject. */
export function isDebugged(by: Switch, subject: SwitchSubject): boolean {
  return by.mode === "debug" && concerns(by, subject);
}

/** Whether a job is debugged: by a switch in force for it, its agent or module, its model, its organization or all. */
export function isDebuggedJob(switches: readonly Switch[], subject: SwitchSubject, nowMs: number): boolean {
  return debugging(switches, nowMs).some((by) => isDebugged(by, subject));
}

/** Whether any switch of these, in force, keeps jobs from starting or lets them start one at a time only. */
export function isHolding(switches: readonly Switch[], nowMs: number): boolean {
  return switches.some(
    (candidate) => (holdingModes.includes(candidate.mode) || candidate.mode === "debug") && isInForce(candidate, nowMs),
  );
}

/** Those of an organization's waiting jobs that `decideStart` holds, and those that the switches in `more` concern. */
export function heldJobs(
  switches: readonly Switch[],
  organizationId: string,
  nowMs: number,
  more: readonly Switch[] = [],
): HeldJobs {
  const holding = [
    ...switches.filter((candidate) => holdingModes.includes(candidate.mode) && isInForce(candidate, nowMs)),
    ...more,
  ];
  const whole: SwitchSubject = { organizationId, agentType: null, model: null, jobId: null };
  if (holding.some((candidate) => concerns(candidate, whole))) return { kind: "all" };
  const valuesOf = (kind: "agent" | "module" | "model"): readonly string[] =>
    holding.flatMap(({ scope }) => (scope.kind === kind ? (scopeValue(scope) ?? []) : []));
  const some = { agents: valuesOf("agent"), modules: valuesOf("module"), models: valuesOf("model") };
  const isEmpty = some.agents.length + some.modules.length + some.models.length === 0;
  return isEmpty ? { kind: "none" } : { kind: "some", ...some };
}
