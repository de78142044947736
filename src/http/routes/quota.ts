import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { quotaSchema } from "../../contracts/http-views.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { quotaView } from "../views.ts";
import { jsonContent } from "./json-content.ts";

const quotaRoute = createRoute({
  method: "get",
  path: "/quota",
  summary: "Read what the organization has used of its limits",
  responses: { 200: jsonContent(quotaSchema, "Limits and their use") },
});

/** An organization's limits with their present use, from its object. */
export function quotaRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(quotaRoute, async (c) => {
    const { organizationId } = tenantAccess(c.var.caller);
    return c.json(quotaView(await ports.objects.organization(organizationId).readBudget({ organizationId })), 200);
  });
}
