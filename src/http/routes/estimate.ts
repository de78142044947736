import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import type { WorkPlan } from "../../contracts/agent-port.ts";
import { type EstimateRequest, estimateRequestSchema, noQuerySchema } from "../../contracts/http.ts";
import { estimateSchema } from "../../contracts/http-views.ts";
import type { Terms } from "../../contracts/terms.ts";
import { AgentError, describeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { CallerEnv } from "../edge-env.ts";
import { fromPostgresOnly } from "../issue-reads.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { InvalidRequestError } from "../problems.ts";
import { agentError, callableAgents } from "../submission.ts";
import type { TermsCache } from "../terms-cache.ts";
import { ceilingsView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

/** A median of fewer jobs says little. */
const leastJobs = 5;

const estimateRoute = createRoute({
  method: "post",
  path: "/estimate",
  operationId: "estimateIssue",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Estimate what an issue would cost and take, without submitting it",
  request: { query: noQuerySchema, body: jsonBody(estimateRequestSchema) },
  responses: {
    200: jsonContent(estimateSchema, "The estimate"),
    ...bodyProblems("agent_not_allowed", "model_not_allowed"),
  },
});

/** The plan for an issue of the organization. Throws `agent_not_allowed` and `model_not_allowed` as admission would refuse. */
function planOf(ports: AppPorts, request: EstimateRequest, terms: Terms): WorkPlan {
  const { agentType = null, model = null, maxCostMicroUsd = null, ...rest } = request;
  if (model !== null && !terms.limits.models.includes(model)) {
    const detail = `The model ${model} is not part of the tier.`;
    throw new AgentError({ code: "model_not_allowed", detail, field: "model" });
  }
  const plan = ports.agents.plan({ ...rest, agentType, model, maxCostMicroUsd }, terms);
  if (plan !== null) return plan;
  const detail = "The organization may not use this agent, or none at all.";
  throw new AgentError({ code: "agent_not_allowed", detail, field: "agentType" });
}

type Expected = z.infer<typeof estimateSchema>["expected"];

/** From the organization's own jobs when there are enough of them and Postgres tells, else from the rule. */
async function expectedOf(ports: AppPorts, organizationId: string, plan: WorkPlan, log: Logger): Promise<Expected> {
  try {
    const history = await fromPostgresOnly(ports, async (issues) => issues.jobHistory(organizationId, plan));
    const { jobs, costMicroUsd, durationSeconds } = history;
    if (jobs >= leastJobs && costMicroUsd !== null && durationSeconds !== null) {
      return {
        costMicroUsd: Math.round(costMicroUsd),
        durationSeconds: Math.round(durationSeconds),
        basis: "history",
        jobs,
      };
    }
  } catch (error) {
    log.warn("estimate without history", { error: describeError(error) });
  }
  return { ...plan.typical, basis: "typical_steps", jobs: 0 };
}

/** `POST /estimate`: the same pure decisions as for a submission; nothing is stored, and no limit counts it. */
export function estimateRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  const agentTypes = callableAgents(ports.agents);
  return new OpenAPIHono<CallerEnv>().openapi(estimateRoute, async (c) => {
    const { organizationId } = tenantAccess(c.var.caller);
    const request = c.req.valid("json");
    const wrongAgent = agentError(request, agentTypes);
    if (wrongAgent !== null) throw new InvalidRequestError([wrongAgent]);
    const plan = planOf(ports, request, await termsCache.read(organizationId));
    const { agentType, model, modelReason, decidedBy } = plan;
    const expected = await expectedOf(ports, organizationId, plan, c.var.log);
    const ceilings = ceilingsView(plan.ceilings);
    return c.json({ agentType, model, modelReason, decidedBy, expected, ceilings, waitSeconds: null }, 200);
  });
}
