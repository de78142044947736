import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { liveQuerySchema } from "../../contracts/http.ts";
import { AgentError } from "../../core/errors.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";

const liveRoute = createRoute({
  method: "get",
  path: "/live",
  summary: "Follow an organization's events over a WebSocket",
  request: { query: liveQuerySchema },
  responses: { 101: { description: "The stream: a hello, the events asked for or a snapshot, then what happens" } },
});

const handshakeHeader = /^(?:upgrade|connection|sec-websocket-[a-z-]+)$/u;

/**
 * The request that the object sees: the handshake's own headers and nothing else that the client sent, so that neither
 * a credential nor a forged internal header goes along.
 */
function handshakeOf(request: Request): Request {
  const headers = [...request.headers].filter(([name]) => handshakeHeader.test(name));
  return new Request(request.url, { headers });
}

/** `GET /live`: the organization's object holds the socket; nothing is polled here. */
export function liveRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(liveRoute, async (c) => {
    const { organizationId, visibility, person } = tenantAccess(c.var.caller);
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      throw new AgentError({ code: "upgrade_required", detail: "Open this address as a WebSocket." });
    }
    const { after, incarnation, issueId } = c.req.valid("query");
    const ownOrAll =
      visibility.kind === "own" ? { kind: visibility.kind, userIds: [...visibility.userIds] } : visibility;
    const viewer = {
      organizationId,
      person,
      visibility: ownOrAll,
      after: after ?? null,
      incarnation: incarnation ?? null,
      issueId: issueId ?? null,
    };
    const answer = await ports.openLiveSocket(handshakeOf(c.req.raw), viewer);
    // The object's response is immutable; the copy, which keeps the socket, takes the edge's headers.
    return new Response(answer.body, answer);
  });
}
