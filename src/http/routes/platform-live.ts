import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { platformLiveQuerySchema } from "../../contracts/http-switches.ts";
import type { CallerEnv } from "../edge-env.ts";
import { platformAdministrator } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { refuseForeignOrigin } from "../same-origin.ts";
import { callerSecurity } from "./caller-security.ts";
import { handshakeOf, upgradeAnswer } from "./handshake.ts";
import { callerProblems } from "./problem-responses.ts";

const liveRoute = createRoute({
  method: "get",
  path: "/admin/live",
  operationId: "followPlatform",
  tags: ["live"],
  security: callerSecurity,
  summary: "Follow demand, slots, switches and health of the platform over a WebSocket",
  request: { query: platformLiveQuerySchema },
  responses: {
    101: { description: "The stream: a hello, what was missed or a snapshot, then what happens" },
    ...callerProblems("upgrade_required"),
  },
});

/** `GET /admin/live`, for platform administrators: the platform object holds the socket. */
export function platformLiveRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(liveRoute, async (c) => {
    const { name } = platformAdministrator(c.var.caller);
    const { after, incarnation } = c.req.valid("query");
    refuseForeignOrigin(c.req.raw, ports.allowedOrigins);
    const position = { after: after ?? null, incarnation: incarnation ?? null };
    const viewer = { person: `platform:${name}`, closesAtMs: c.var.socketsUntilMs, ...position };
    return upgradeAnswer(await ports.openPlatformSocket(handshakeOf(c.req.raw), viewer));
  });
}
