/** Whether an issue is admitted, and which job it begins with. */
import { modelOfNamedAgent } from "../../contracts/named-agent-model.ts";
import type { OrganizationLimits } from "../../contracts/terms.ts";
import type { ModelName } from "../../contracts/models.ts";
import type { JobRole } from "../../contracts/records.ts";
import type { Failure } from "../../core/errors.ts";
import { dayMs, hourMs, nextUtcDayMs, type SubmissionUsage } from "./submission-usage.ts";

/** They run by themselves on every issue, so nobody asks for them. */
const systemAgents: ReadonlySet<string> = new Set(["meta.triage", "meta.review"]);
const backlogRetryAfterSeconds = 60;
const storageRetryAfterSeconds = 3_600;
/** An issue that is put off longer is better submitted later. */
const longestDelayMs = 366 * dayMs;

export interface AdmissionRequest {
  readonly requestedAgentType: string | null;
  readonly requestedModel: ModelName | null;
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
}

/** The most waiting jobs and storage of an organization that may still submit. */
export interface AdmissionCeilings {
  readonly waitingJobs: number;
  readonly databaseBytes: number;
}

export interface AdmissionState {
  readonly usage: SubmissionUsage;
  readonly waitingJobs: number;
  readonly databaseBytes: number;
  /** What a switch that refuses this submission says; null without one. */
  readonly switchRefusal: Failure | null;
  /** What is said while the organization's budget is used up; null while it is not. */
  readonly budgetRefusal: Failure | null;
}

/** What other parts of the organization may object to a submission. */
export interface AdmissionGuards {
  readonly switchRefusal: (request: AdmissionRequest, nowMs: number) => Failure | null;
  readonly budgetRefusal: (nowMs: number) => Failure | null;
}

export interface AdmissionRules {
  readonly limits: OrganizationLimits;
  readonly ceilings: AdmissionCeilings;
}

export interface FirstJob {
  readonly role: JobRole;
  readonly agentType: string;
  readonly model: ModelName;
  readonly modelReason: string;
}

export type AdmissionDecision =
  | { readonly kind: "admit"; readonly firstJob: FirstJob }
  | { readonly kind: "refuse"; readonly failure: Failure };

function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1_000));
}

/** What is not to be had in this organization, whenever it is asked for. */
function requestRefusal(request: AdmissionRequest, limits: OrganizationLimits): Failure | null {
  const { requestedAgentType: agent, requestedModel: model } = request;
  const allowedAgents = limits.agents;
  if (agent !== null && (systemAgents.has(agent) || !(allowedAgents === "*" || allowedAgents.includes(agent)))) {
    return { code: "agent_not_allowed", detail: `The agent ${agent} cannot be asked for here.`, field: "agentType" };
  }
  if (model !== null && !limits.models.includes(model)) {
    return { code: "model_not_allowed", detail: `The model ${model} is not part of the tier.`, field: "model" };
  }
  return null;
}

/** Times between which no work could be done. */
function timesRefusal({ notBeforeMs, expiresAtMs }: AdmissionRequest, nowMs: number): Failure | null {
  if (notBeforeMs !== null && notBeforeMs > nowMs + longestDelayMs) {
    return { code: "invalid_request", detail: "is more than a year ahead", field: "notBefore" };
  }
  if (expiresAtMs !== null && expiresAtMs <= Math.max(nowMs, notBeforeMs ?? nowMs)) {
    return { code: "invalid_request", detail: "leaves no time for the work", field: "expiresAt" };
  }
  return null;
}

/** What does not fit now, but will. */
function capacityRefusal(state: AdmissionState, { limits, ceilings }: AdmissionRules, nowMs: number): Failure | null {
  const { usage } = state;
  if (state.databaseBytes >= ceilings.databaseBytes) {
    const detail = "The organization's storage is nearly full; what was admitted goes on.";
    return { code: "storage_full", detail, retryAfterSeconds: storageRetryAfterSeconds };
  }
  if (state.waitingJobs >= ceilings.waitingJobs) {
    const detail = `At most ${ceilings.waitingJobs} jobs of an organization may wait.`;
    return { code: "backlog_full", detail, retryAfterSeconds: backlogRetryAfterSeconds };
  }
  if (usage.lastHour >= limits.issuesPerHour) {
    return {
      code: "rate_limited",
      detail: `At most ${limits.issuesPerHour} issues are accepted within an hour.`,
      retryAfterSeconds: secondsUntil(usage.roomAtMs ?? nowMs + hourMs, nowMs),
    };
  }
  if (usage.today >= limits.issuesPerDay) {
    return {
      code: "quota_exhausted",
      detail: `At most ${limits.issuesPerDay} issues are accepted a day (UTC).`,
      retryAfterSeconds: secondsUntil(nextUtcDayMs(nowMs), nowMs),
    };
  }
  return null;
}

function firstJobOf(request: AdmissionRequest, limits: OrganizationLimits): FirstJob {
  const { requestedAgentType: agentType } = request;
  if (agentType !== null)
    return { role: "work", agentType, ...modelOfNamedAgent(request.requestedModel, limits.models) };
  return { role: "triage", agentType: "meta.triage", model: "haiku", modelReason: "default of meta.triage" };
}

/**
 * Decides on a submission. The first objection counts, in this order: a switch, what can never be had here, what does not
 * fit now (storage, backlog, rate, quota), the budget.
 */
export function decideAdmission(
  request: AdmissionRequest,
  state: AdmissionState,
  rules: AdmissionRules,
  nowMs: number,
): AdmissionDecision {
  const failure =
    state.switchRefusal ??
    requestRefusal(request, rules.limits) ??
    timesRefusal(request, nowMs) ??
    capacityRefusal(state, rules, nowMs) ??
    state.budgetRefusal;
  return failure === null
    ? { kind: "admit", firstJob: firstJobOf(request, rules.limits) }
    : { kind: "refuse", failure };
}
