import type { MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import type { CallerEnv } from "../edge-env.ts";

const tagged = etag();

/**
 * For a read of one thing: its `ETag` is a hash of what is answered, and `If-None-Match` with it is answered 304. A client
 * may keep the answer for itself, and asks every time whether it still holds.
 */
export function singleRead(): MiddlewareHandler<CallerEnv> {
  return async (c, next) => {
    await tagged(c, async () => {
      await next();
      if (!c.res.ok) return;
      c.header("Cache-Control", "private, no-cache");
      c.header("Vary", "Authorization, X-Organization-Id, X-Acting-User-Id", { append: true });
    });
  };
}
