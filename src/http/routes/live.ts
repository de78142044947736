import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { liveQuerySchema } from "../../contracts/http.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
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

/** `GET /live`: the organization's object holds the socket; nothing is polled here. */
export function liveRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(liveRoute, async (c) => {
    const { organizationId, visibility, person } = tenantAccess(c.var.caller);
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
    return upgradeAnswer(await ports.openLiveSocket(handshakeOf(c.req.raw), viewer));
  });
}
