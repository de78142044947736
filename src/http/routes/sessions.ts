import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { idParamsSchema, isId, noQuerySchema } from "../../contracts/http.ts";
import { sessionListSchema, sessionViewSchema } from "../../contracts/http-access.ts";
import type { SwitchActor } from "../../contracts/switches.ts";
import { isoTime } from "../../core/clock.ts";
import { AgentError } from "../../core/errors.ts";
import { forgetAdminSession } from "../admin-sessions.ts";
import type { CallerEnv } from "../edge-env.ts";
import { platformAdministrator } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const readRoute = createRoute({
  method: "get",
  path: "/admin/session",
  operationId: "readSession",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Read who is signed in",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(sessionViewSchema, "The administrator"), ...callerProblems() },
});

const endOwnRoute = createRoute({
  method: "delete",
  path: "/admin/session",
  operationId: "signOut",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Sign out",
  request: { query: noQuerySchema },
  responses: { 204: { description: "The session has ended" }, ...callerProblems() },
});

const listRoute = createRoute({
  method: "get",
  path: "/admin/sessions",
  operationId: "listSessions",
  tags: ["admin"],
  security: callerSecurity,
  summary: "List the sessions of all platform administrators",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(sessionListSchema, "Sessions that have not ended, newest first"), ...callerProblems() },
});

const endRoute = createRoute({
  method: "delete",
  path: "/admin/sessions/{id}",
  operationId: "endSession",
  tags: ["admin"],
  security: callerSecurity,
  summary: "End a session of any platform administrator",
  request: { params: idParamsSchema, query: noQuerySchema },
  responses: { 204: { description: "The session has ended" }, ...callerProblems("not_found") },
});

function actorOf(c: Context<CallerEnv>): SwitchActor {
  return { kind: "platform", name: platformAdministrator(c.var.caller).name };
}

/** Sessions of platform administrators: one's own, and those that must end before their time. */
export function sessionRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>()
    .openapi(readRoute, (c) => {
      const { name } = platformAdministrator(c.var.caller);
      const { session } = c.var;
      return c.json({ name, expiresAt: session === null ? null : isoTime(session.expiresAtMs) }, 200);
    })
    .openapi(endOwnRoute, async (c) => {
      const actor = actorOf(c);
      const { session } = c.var;
      if (session !== null) await ports.objects.platform().endSession({ sessionId: session.id, actor });
      forgetAdminSession(c);
      return c.body(null, 204);
    })
    .openapi(listRoute, async (c) => {
      const sessions = await ports.objects.platform().listSessions();
      const items = sessions.map(({ id, name, openedAtMs, expiresAtMs }) => ({
        id,
        name,
        openedAt: isoTime(openedAtMs),
        expiresAt: isoTime(expiresAtMs),
      }));
      return c.json({ items }, 200);
    })
    .openapi(endRoute, async (c) => {
      const actor = actorOf(c);
      const { id: sessionId } = c.req.valid("param");
      const hasEnded = isId("session", sessionId) && (await ports.objects.platform().endSession({ sessionId, actor }));
      if (!hasEnded) throw new AgentError({ code: "not_found", detail: "There is no such session." });
      c.var.log.info("session ended", { sessionId, actor: actor.name });
      return c.body(null, 204);
    });
}
