import { hash } from "node:crypto";
import type { IdempotentRequest } from "../contracts/organization-rpc.ts";
import { canonicalJson } from "../core/canonical-json.ts";

/** What tells one request under a key from another: the body after parsing, so neither layout nor defaults matter. */
export function idempotentRequest(key: string, body: object): IdempotentRequest {
  return { key, requestHash: hash("sha256", canonicalJson(body)) };
}
