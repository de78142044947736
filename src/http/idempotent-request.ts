import { hash } from "node:crypto";
import type { IdempotentRequest } from "../contracts/organization-rpc.ts";

/** JSON text in which the order of an object's fields does not show. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );
}

/** What tells one request under a key from another: the body after parsing, so neither layout nor defaults matter. */
export function idempotentRequest(key: string, body: object): IdempotentRequest {
  return { key, requestHash: hash("sha256", canonicalJson(body)) };
}
