import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { listPlatformLogsQuerySchema } from "../../contracts/http-lists.ts";
import { platformLogListSchema } from "../../contracts/http-views.ts";
import { isoTime } from "../../core/clock.ts";
import type { CallerEnv } from "../edge-env.ts";
import { encodeCursor, positionOf } from "../list-page.ts";
import { platformAdministrator } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { platformLogView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/admin/logs",
  operationId: "listPlatformLogs",
  tags: ["admin"],
  security: callerSecurity,
  summary: "List what jobs of all organizations logged, newest first",
  request: { query: listPlatformLogsQuerySchema },
  responses: { 200: jsonContent(platformLogListSchema, "A page of log lines"), ...callerProblems() },
});

function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}

/** `GET /admin/logs`: as PostgreSQL holds them, and told as of when. */
export function platformLogRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(listRoute, async (c) => {
    const { name } = platformAdministrator(c.var.caller);
    const { organizationId, level, since, until, cursor, limit } = c.req.valid("query");
    const found = await ports.platformLogs.list({
      organizationId: organizationId ?? null,
      levels: level ?? null,
      sinceMs: timeOf(since),
      untilMs: timeOf(until),
      before: positionOf(cursor),
      limit: limit + 1,
    });
    c.var.log.info("logs read across organizations", { administrator: name, organizationId: organizationId ?? "all" });
    const items = found.items.slice(0, limit);
    const last = found.items.length > limit ? items.at(-1) : undefined;
    const nextCursor = last === undefined ? null : encodeCursor({ createdAtMs: last.atMs, id: last.id });
    const asOf = found.asOfMs === null ? null : isoTime(found.asOfMs);
    return c.json({ items: items.map(platformLogView), nextCursor, asOf }, 200);
  });
}
