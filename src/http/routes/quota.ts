import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { noQuerySchema } from "../../contracts/http.ts";
import { quotaSchema } from "../../contracts/http-views.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { quotaView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const quotaRoute = createRoute({
  method: "get",
  path: "/quota",
  operationId: "readQuota",
  tags: ["organization"],
  security: callerSecurity,
  summary: "Read what the organization has used of its limits",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(quotaSchema, "Limits and their use"), ...callerProblems() },
});

/** An organization's limits with their present use, from its object. */
export function quotaRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(quotaRoute, async (c) => {
    const { organizationId } = tenantAccess(c.var.caller);
    return c.json(quotaView(await ports.objects.organization(organizationId).readBudget({ organizationId })), 200);
  });
}
