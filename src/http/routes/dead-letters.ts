import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { listDeadLettersQuerySchema } from "../../contracts/http.ts";
import { deadLetterListSchema } from "../../contracts/http-views.ts";
import type { CallerEnv } from "../edge-env.ts";
import { encodeCursor, positionOf } from "../list-page.ts";
import { platformAdministrator, tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { deadLetterView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/admin/dead-letters",
  operationId: "listDeadLetters",
  tags: ["admin"],
  security: callerSecurity,
  summary: "List an organization's failed jobs and exhausted effects, newest first",
  request: { query: listDeadLettersQuerySchema },
  responses: { 200: jsonContent(deadLetterListSchema, "A page of dead letters"), ...callerProblems() },
});

/** What failed for good in the organization that a platform administrator names; `POST /:id/retry` takes it up again. */
export function deadLetterRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(listRoute, async (c) => {
    platformAdministrator(c.var.caller);
    const { organizationId } = tenantAccess(c.var.caller);
    const { cursor, limit } = c.req.valid("query");
    const position = positionOf(cursor);
    const before = position === null ? null : { failedAtMs: position.createdAtMs, id: position.id };
    const found = await ports.objects
      .organization(organizationId)
      .listDeadLetters({ organizationId, before, limit: limit + 1 });
    const letters = found.slice(0, limit);
    const last = found.length > limit ? letters.at(-1) : undefined;
    const nextCursor = last === undefined ? null : encodeCursor({ createdAtMs: last.failedAtMs, id: last.id });
    return c.json({ items: letters.map(deadLetterView), nextCursor }, 200);
  });
}
