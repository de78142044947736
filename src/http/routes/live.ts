import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { z } from "zod";
import { liveQuerySchema } from "../../contracts/http.ts";
import type { LiveViewer } from "../../contracts/live-viewer.ts";
import { AgentError } from "../../core/errors.ts";
import type { CallerEnv, EdgeEnv } from "../edge-env.ts";
import { unauthenticated } from "../identity.ts";
import type { LiveTickets } from "../live-tickets.ts";
import { tenantAccess, type TenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { fieldErrorsOf, InvalidRequestError } from "../problems.ts";
import { refuseForeignOrigin } from "../same-origin.ts";
import { callerSecurity } from "./caller-security.ts";
import { handshakeOf, upgradeAnswer } from "./handshake.ts";
import { callerProblems } from "./problem-responses.ts";

const liveRoute = createRoute({
  method: "get",
  path: "/live",
  operationId: "followEvents",
  tags: ["live"],
  security: callerSecurity,
  summary: "Follow an organization's events over a WebSocket",
  request: { query: liveQuerySchema },
  responses: {
    101: { description: "The stream: a hello, the events asked for or a snapshot, then what happens" },
    ...callerProblems("upgrade_required"),
  },
});

/** Who watches, and what he may see. */
export function viewerAccess({
  organizationId,
  person,
  visibility,
}: TenantAccess): Pick<LiveViewer, "organizationId" | "person" | "visibility"> {
  if (visibility.kind === "all") return { organizationId, person, visibility: { kind: "all" } };
  return { organizationId, person, visibility: { kind: "own", userIds: [...visibility.userIds] } };
}

/** Where he left off, and which issue he wants. */
function viewerPosition({
  after,
  incarnation,
  issueId,
}: z.infer<typeof liveQuerySchema>): Pick<LiveViewer, "after" | "incarnation" | "issueId"> {
  return { after: after ?? null, incarnation: incarnation ?? null, issueId: issueId ?? null };
}

async function open(ports: AppPorts, request: Request, viewer: LiveViewer): Promise<Response> {
  refuseForeignOrigin(request, ports.allowedOrigins);
  const answer = await ports.openLiveSocket(handshakeOf(request), viewer);
  // The object's one objection: the ticket was used before.
  if (answer.status === 401) throw new AgentError(unauthenticated);
  return upgradeAnswer(answer);
}

/** `GET /live`: the organization's object holds the socket; nothing is polled here. */
export function liveRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(liveRoute, (c) => {
    const access = viewerAccess(tenantAccess(c.var.caller));
    const position = viewerPosition(c.req.valid("query"));
    return open(ports, c.req.raw, { ...access, ...position, closesAtMs: c.var.socketsUntilMs, ticket: null });
  });
}

/** Before authentication: an upgrade that shows a ticket needs no other credential. */
export function liveByTicket(ports: AppPorts, tickets: LiveTickets): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const ticket = c.req.query("ticket");
    if (ticket === undefined || c.req.header("authorization") !== undefined) return next();
    const query = liveQuerySchema.safeParse(c.req.query());
    if (!query.success) throw new InvalidRequestError(fieldErrorsOf(query.error));
    const grant = await tickets.read(ticket);
    if (grant === null) throw new AgentError(unauthenticated);
    const { issueId, ...position } = viewerPosition(query.data);
    return open(ports, c.req.raw, { ...grant, ...position, issueId: grant.issueId ?? issueId });
  };
}
