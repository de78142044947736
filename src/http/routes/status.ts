import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { healthSchema, versionSchema } from "../../contracts/http-views.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { HealthMonitor } from "../health.ts";
import type { AppPorts } from "../ports.ts";
import { jsonContent } from "./json-content.ts";

const healthRoute = createRoute({
  method: "get",
  path: "/health",
  summary: "Whether the service is well",
  responses: {
    200: jsonContent(healthSchema, "Healthy"),
    503: jsonContent(healthSchema, "Degraded"),
  },
});

const versionRoute = createRoute({
  method: "get",
  path: "/version",
  summary: "Which build answers",
  responses: { 200: jsonContent(versionSchema, "The build") },
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
