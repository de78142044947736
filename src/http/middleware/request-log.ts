import type { MiddlewareHandler } from "hono";
import { requestIdHeader } from "../../contracts/http.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import { newId } from "../../core/ids.ts";
import type { Logger } from "../../core/log.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { matchedRoute } from "../matched-route.ts";
import { failureOf } from "../problems.ts";

function causeOf(error: Error): string | undefined {
  return error.cause === undefined ? undefined : describeError(error.cause);
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
    // In place: once there is an answer, `c.header` copies it first.
    c.res.headers.set(requestIdHeader, requestId);
    if (c.error !== undefined && c.res.status >= 500) {
      const { stack } = c.error;
      log.error("request failed", { error: describeError(c.error), cause: causeOf(c.error), stack });
    }
    log.info("request", {
      method: c.req.method,
      path: c.req.path,
      route: matchedRoute(c)?.path,
      status: c.res.status,
      code: c.error === undefined ? undefined : failureOf(c.error).code,
      durationMs: options.clock.nowMs() - startedAtMs,
    });
  };
}
