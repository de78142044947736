/** Whether an issue is admitted, and which job it begins with. */
import { bestModel } from "../../contracts/terms.ts";
import type { OrganizationLimits } from "../../contracts/terms.ts";
import type { ModelName } from "../../contracts/models.ts";
import type { JobRole } from "../../contracts/records.ts";
import type { Failure } from "../../core/errors.ts";

export const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
/** They run by themselves on every issue, so nobody asks for them. */
const systemAgents: ReadonlySet<string> = new Set(["meta.triage", "meta.review"]);

export interface AdmissionRequest {
  readonly requestedAgentType: string | null;
  readonly requestedModel: ModelName | null;
}

export interface AdmissionCounts {
  readonly issuesLastHour: number;
  /** When the submission was made that must grow an hour old before another fits; null while there is room. */
  readonly hourBlockedByAtMs: number | null;
  readonly issuesToday: number;
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

/** Start of the UTC day that the time lies in. */
export function utcDayStartMs(nowMs: number): number {
  return nowMs - (nowMs % dayMs);
}

function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1_000));
}

function refusalOf(
  request: AdmissionRequest,
  counts: AdmissionCounts,
  limits: OrganizationLimits,
  nowMs: number,
): Failure | null {
  const { requestedAgentType: agent, requestedModel: model } = request;
  const allowedAgents = limits.agents;
  if (agent !== null && (systemAgents.has(agent) || !(allowedAgents === "*" || allowedAgents.includes(agent)))) {
    return { code: "agent_not_allowed", detail: `The agent ${agent} cannot be asked for here.`, field: "agentType" };
  }
  if (model !== null && !limits.models.includes(model)) {
    return { code: "model_not_allowed", detail: `The model ${model} is not part of the tier.`, field: "model" };
  }
  if (counts.issuesLastHour >= limits.issuesPerHour) {
    return {
      code: "rate_limited",
      detail: `At most ${limits.issuesPerHour} issues are accepted within an hour.`,
      retryAfterSeconds: secondsUntil((counts.hourBlockedByAtMs ?? nowMs) + hourMs, nowMs),
    };
  }
  if (counts.issuesToday >= limits.issuesPerDay) {
    return {
      code: "quota_exhausted",
      detail: `At most ${limits.issuesPerDay} issues are accepted a day (UTC).`,
      retryAfterSeconds: secondsUntil(utcDayStartMs(nowMs) + dayMs, nowMs),
    };
  }
  return null;
}

function modelOfNamedAgent(
  request: AdmissionRequest,
  limits: OrganizationLimits,
): Pick<FirstJob, "model" | "modelReason"> {
  if (request.requestedModel !== null) return { model: request.requestedModel, modelReason: "named by the caller" };
  const { models } = limits;
  const model = models.includes("sonnet") ? "sonnet" : models.includes("haiku") ? "haiku" : bestModel(models);
  return { model, modelReason: "default of the tier for an agent that the caller named" };
}

/** Decides on a submission from the organization's limits and what it has submitted lately. */
export function decideAdmission(
  request: AdmissionRequest,
  counts: AdmissionCounts,
  limits: OrganizationLimits,
  nowMs: number,
): AdmissionDecision {
  const failure = refusalOf(request, counts, limits, nowMs);
  if (failure !== null) return { kind: "refuse", failure };
  if (request.requestedAgentType !== null) {
    const firstJob: FirstJob = {
      role: "work",
      agentType: request.requestedAgentType,
      ...modelOfNamedAgent(request, limits),
    };
    return { kind: "admit", firstJob };
  }
  return {
    kind: "admit",
    firstJob: { role: "triage", agentType: "meta.triage", model: "haiku", modelReason: "default of meta.triage" },
  };
}
