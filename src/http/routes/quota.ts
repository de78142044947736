import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { noQuerySchema } from "../../contracts/http.ts";
import { catalogSchema, quotaSchema } from "../../contracts/http-views.ts";
import { sealTerms } from "../../contracts/terms.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import type { TermsCache } from "../terms-cache.ts";
import { agentView, quotaView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const quotaRoute = createRoute({
  method: "get",
  path: "/quota",
  operationId: "readQuota",
  tags: ["organization"],
  security: callerSecurity,
  summary: "Read the organization's limits and what it has used of them",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(quotaSchema, "Limits and their use"), ...callerProblems() },
});

const catalogRoute = createRoute({
  method: "get",
  path: "/catalog",
  operationId: "readCatalog",
  tags: ["organization"],
  security: callerSecurity,
  summary: "List the agents that the organization may ask for",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(catalogSchema, "Agents and models"), ...callerProblems() },
});

/** What an organization may use, and has used: its limits with their present use from its object, and its agents. */
export function quotaRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>()
    .openapi(quotaRoute, async (c) => {
      const { organizationId } = tenantAccess(c.var.caller);
      const terms = await termsCache.read(organizationId);
      const organization = ports.objects.organization(organizationId);
      // The first brings the object its newest terms, by which the second reckons.
      const usage = await organization.readUsage({ organizationId, terms: sealTerms(terms) });
      return c.json(quotaView(usage, await organization.readBudget({ organizationId })), 200);
    })
    .openapi(catalogRoute, async (c) => {
      const { limits } = await termsCache.read(tenantAccess(c.var.caller).organizationId);
      const items = ports.agents.available(limits.agents).map(agentView);
      return c.json({ items, models: limits.models }, 200);
    });
}
