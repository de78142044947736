import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { noQuerySchema } from "../../contracts/http.ts";
import { liveTicketRequestSchema, liveTicketSchema } from "../../contracts/http-access.ts";
import { isoTime } from "../../core/clock.ts";
import type { CallerEnv } from "../edge-env.ts";
import type { LiveTickets } from "../live-tickets.ts";
import { tenantAccess } from "../permissions.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent, optionalJsonBody } from "./json-content.ts";
import { viewerAccess } from "./live.ts";
import { bodyProblems } from "./problem-responses.ts";

const issueRoute = createRoute({
  method: "post",
  path: "/live/tickets",
  operationId: "issueLiveTicket",
  tags: ["live"],
  security: callerSecurity,
  summary: "Get a ticket for a live socket, for pages, which can send no header with an upgrade",
  request: { query: noQuerySchema, body: optionalJsonBody(liveTicketRequestSchema) },
  responses: {
    201: jsonContent(liveTicketSchema, "A ticket for one socket, to be opened within 30 s"),
    ...bodyProblems(),
  },
});

/** `POST /live/tickets`: what the caller may watch, for as long as his credential lasts. */
export function liveTicketRoutes(tickets: LiveTickets): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(issueRoute, async (c) => {
    const { issueId = null } = c.req.valid("json");
    const grant = { ...viewerAccess(tenantAccess(c.var.caller)), issueId, closesAtMs: c.var.socketsUntilMs };
    const { ticket, expiresAtMs } = await tickets.issue(grant);
    return c.json({ ticket, expiresAt: isoTime(expiresAtMs) }, 201);
  });
}
