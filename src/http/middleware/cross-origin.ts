import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import {
  actingUserHeader,
  idempotencyKeyHeader,
  idempotencyReplayedHeader,
  organizationHeader,
  rateLimitHeader,
  rateLimitPolicyHeader,
  requestIdHeader,
} from "../../contracts/http.ts";

const preflightMaxAgeSeconds = 600;

/**
 * Lets pages of these origins use the API with a token that they hold; no cookie goes along. Null without origins: the
 * API then answers no preflight, and no other page can read it.
 */
export function crossOrigin(origins: ReadonlySet<string>): MiddlewareHandler | null {
  if (origins.size === 0) return null;
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "If-None-Match",
      idempotencyKeyHeader,
      organizationHeader,
      actingUserHeader,
    ],
    exposeHeaders: [
      "ETag",
      "Retry-After",
      requestIdHeader,
      idempotencyReplayedHeader,
      rateLimitHeader,
      rateLimitPolicyHeader,
    ],
    maxAge: preflightMaxAgeSeconds,
  });
}
