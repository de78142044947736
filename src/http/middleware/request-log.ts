import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { requestIdHeader } from "../../contracts/http.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import { newId } from "../../core/ids.ts";
import type { Logger } from "../../core/log.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { failureOf } from "../problems.ts";

function causeOf(error: Error): string | undefined {
  return error.cause === undefined ? undefined : describeError(error.cause);
}

/** The pattern of the route that answered: the first that is no middleware's; patterns registered later match too. */
function routeOf(c: Context): string | undefined {
  return matchedRoutes(c).find(({ path }) => !path.endsWith("*"))?.path;
}

/**
 * Gives the request its id, which every response carries and everything that it starts is correlated by, and writes one
 * line when it is answered. The query string stays out of the log.
 */
export function requestLog(options: { readonly clock: Clock; readonly log: Logger }): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const startedAtMs = options.clock.nowMs();
    const requestId = newId("request", startedAtMs);
    c.set("requestId", requestId);
    c.set("log", options.log.with({ correlationId: requestId }));
    await next();
    // Authentication has since added who called.
    const { log } = c.var;
    c.header(requestIdHeader, requestId);
    if (c.error !== undefined && c.res.status >= 500) {
      const { stack } = c.error;
      log.error("request failed", { error: describeError(c.error), cause: causeOf(c.error), stack });
    }
    log.info("request", {
      method: c.req.method,
      path: c.req.path,
      route: routeOf(c),
      status: c.res.status,
      code: c.error === undefined ? undefined : failureOf(c.error).code,
      durationMs: options.clock.nowMs() - startedAtMs,
    });
  };
}
