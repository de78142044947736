import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { auditListSchema, auditQuerySchema } from "../../contracts/http-access.ts";
import { changeView, decisionView } from "../audit-views.ts";
import type { CallerEnv } from "../edge-env.ts";
import { platformAdministrator } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const auditRoute = createRoute({
  method: "get",
  path: "/admin/audit",
  operationId: "listAudit",
  tags: ["admin"],
  security: callerSecurity,
  summary: "List what operators changed; with X-Organization-Id, what was decided in that organization",
  request: { query: auditQuerySchema },
  responses: { 200: jsonContent(auditListSchema, "Entries, newest first"), ...callerProblems() },
});

/** `GET /admin/audit`: who changed or decided what, and why. */
export function auditRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(auditRoute, async (c) => {
    const { organizationId } = platformAdministrator(c.var.caller);
    const { cursor, limit } = c.req.valid("query");
    const query = { before: cursor ?? null, limit: limit + 1 };
    const found =
      organizationId === null
        ? (await ports.objects.platform().readAudit(query)).map(changeView)
        : (await ports.objects.organization(organizationId).readDecisions({ organizationId, ...query })).map((entry) =>
            decisionView(organizationId, entry),
          );
    const items = found.slice(0, limit);
    const last = found.length > limit ? items.at(-1) : undefined;
    return c.json({ items, nextCursor: last === undefined ? null : String(last.number) }, 200);
  });
}
