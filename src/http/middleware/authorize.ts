import type { MiddlewareHandler } from "hono";
import { AgentError } from "../../core/errors.ts";
import type { CallerEnv } from "../edge-env.ts";
import { matchedRoute } from "../matched-route.ts";
import { routeAccess, routeRefusal } from "../route-access.ts";

/** Lets a caller go on to the routes that the table gives him. What no route serves is left to be not found. */
export function authorize(): MiddlewareHandler<CallerEnv> {
  return async (c, next) => {
    const route = matchedRoute(c);
    if (route !== undefined) {
      const refusal = routeRefusal(routeAccess.get(`${route.method} ${route.path}`), c.var.caller);
      if (refusal !== null) throw new AgentError(refusal);
    }
    await next();
  };
}
