/** Who would work on an issue and what it would take, decided as admission and triage decide it, but before it is there. */
import type { AgentPort, AgentSummary, PlanRequest, WorkPlan } from "../contracts/agent-port.ts";
import { costCeilingConfig, jobCeilings } from "../contracts/ceilings.ts";
import type { ModelName } from "../contracts/models.ts";
import { modelOfNamedAgent } from "../contracts/named-agent-model.ts";
import type { OrganizationLimits, Terms } from "../contracts/terms.ts";
import type { AgentDefinition } from "./define-agent.ts";
import { estimateWork } from "./estimate.ts";
import { availableAgents } from "./registry.ts";
import { stepsExpectedOf, triageByRules } from "./triage.ts";

function summaryOf({
  id,
  name,
  module,
  description,
  defaultModel,
  tools,
  ceilings,
  version,
}: AgentDefinition): AgentSummary {
  return { id, name, module, description, defaultModel, tools, ceilings, version };
}

function ceilingsOf(agent: AgentDefinition, { maxCostMicroUsd }: PlanRequest): WorkPlan["ceilings"] {
  return jobCeilings(agent.ceilings, { role: "work", config: { ...costCeilingConfig(maxCostMicroUsd) } });
}

function planOfNamed(agentType: string, request: PlanRequest, limits: OrganizationLimits): WorkPlan | null {
  const agent = availableAgents(limits.agents).find(({ id }) => id === agentType);
  if (agent === undefined) return null;
  const { model, modelReason } = modelOfNamedAgent(request.model, limits.models);
  return {
    agentType,
    model,
    modelReason,
    decidedBy: "caller",
    ceilings: ceilingsOf(agent, request),
    typical: estimateWork(stepsExpectedOf(request.type), model),
  };
}

function planOfTriage(
  request: PlanRequest,
  { limits, outcomes }: Pick<Terms, "limits" | "outcomes">,
  defaultModel: ModelName,
): WorkPlan | null {
  const decision = triageByRules({
    issue: { ...request, requestedModel: request.model },
    allowedAgents: limits.agents,
    allowedModels: limits.models,
    defaultModel,
    outcomes,
    maxCostMicroUsd: request.maxCostMicroUsd,
  });
  if (decision === null) return null;
  const { agentType, model, modelReason } = decision.next;
  const agent = availableAgents(limits.agents).find(({ id }) => id === agentType);
  if (agent === undefined) return null;
  const { estimate: typical } = decision.triage;
  return { agentType, model, modelReason, decidedBy: "triage", ceilings: ceilingsOf(agent, request), typical };
}

/** The agents as the edge sees them; `defaultModel` is the setting `AGENT_DEFAULT_MODEL`. */
export function createAgentPort(defaultModel: ModelName): AgentPort {
  return {
    available: (allowed) => availableAgents(allowed).map(summaryOf),
    plan: (request, terms) =>
      request.agentType === null
        ? planOfTriage(request, terms, defaultModel)
        : planOfNamed(request.agentType, request, terms.limits),
  };
}
