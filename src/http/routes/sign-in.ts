import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { noQuerySchema } from "../../contracts/http.ts";
import { openSessionRequestSchema, sessionViewSchema } from "../../contracts/http-access.ts";
import { isoTime } from "../../core/clock.ts";
import { AgentError } from "../../core/errors.ts";
import { openAdminSession } from "../admin-sessions.ts";
import { administratorOf } from "../admin-tokens.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { unauthenticated } from "../identity.ts";
import { requestText } from "../middleware/request-text.ts";
import type { AppPorts } from "../ports.ts";
import { refuseForeignOrigin } from "../same-origin.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

const openRoute = createRoute({
  method: "post",
  path: "/admin/session",
  operationId: "signIn",
  tags: ["admin"],
  summary: "Sign in as a platform administrator: the browser gets a session cookie",
  request: { query: noQuerySchema, body: jsonBody(openSessionRequestSchema) },
  responses: { 201: jsonContent(sessionViewSchema, "The session has begun"), ...bodyProblems() },
});

const noOtherOrigins: ReadonlySet<string> = new Set();

/** `POST /admin/session`: open to anyone who knows an administrator's token, from this Worker's own pages. */
export function signInRoutes(ports: AppPorts): OpenAPIHono<EdgeEnv> {
  return new OpenAPIHono<EdgeEnv>().openapi({ ...openRoute, middleware: requestText() }, async (c) => {
    refuseForeignOrigin(c.req.raw, noOtherOrigins);
    const administrator = administratorOf(c.req.valid("json").token, ports.adminTokens);
    if (administrator === null) throw new AgentError(unauthenticated);
    const { id, name, expiresAtMs } = await openAdminSession(c, ports, administrator);
    c.var.log.info("session opened", { sessionId: id, actor: name });
    return c.json({ name, expiresAt: isoTime(expiresAtMs) }, 201);
  });
}
