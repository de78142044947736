import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { noQuerySchema } from "../../contracts/http.ts";
import { healthSchema, versionSchema } from "../../contracts/http-views.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { HealthMonitor } from "../health.ts";
import type { AppPorts } from "../ports.ts";
import { jsonContent } from "./json-content.ts";
import { openProblems, problemContent } from "./problem-responses.ts";

const healthRoute = createRoute({
  method: "get",
  path: "/health",
  operationId: "readHealth",
  tags: ["service"],
  summary: "Whether the service is well",
  request: { query: noQuerySchema },
  responses: {
    200: jsonContent(healthSchema, "Healthy"),
    ...openProblems("invalid_request"),
    503: {
      description: "Degraded; or `misconfigured`: the service is not configured",
      content: { ...jsonContent(healthSchema, "").content, ...problemContent(503, "misconfigured") },
    },
  },
});

const versionRoute = createRoute({
  method: "get",
  path: "/version",
  operationId: "readVersion",
  tags: ["service"],
  summary: "Which build answers",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(versionSchema, "The build"), ...openProblems("invalid_request") },
});

/** What anyone may ask, without a token. */
export function statusRoutes(ports: AppPorts): OpenAPIHono<EdgeEnv> {
  const monitor = new HealthMonitor(ports);
  return new OpenAPIHono<EdgeEnv>()
    .openapi(healthRoute, async (c) => {
      const health = await monitor.read();
      return health.status === "healthy" ? c.json(health, 200) : c.json(health, 503);
    })
    .openapi(versionRoute, (c) => c.json({ name: "spokestack-agents" as const, ...ports.release }, 200));
}
