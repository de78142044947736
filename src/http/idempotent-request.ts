import { hash } from "node:crypto";
import type { IdempotentRequest } from "../contracts/organization-rpc.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { TenantAccess } from "./permissions.ts";

/**
 * A request under a key as an object remembers it. The key is its caller's own: nobody else gets the answer by it, or keeps
 * it from him. The body counts as it was parsed, so that neither layout nor defaults make another request.
 */
export function idempotentRequest(
  { keyOwner }: Pick<TenantAccess, "keyOwner">,
  key: string,
  body: object,
): IdempotentRequest {
  return { key: JSON.stringify([keyOwner, key]), requestHash: hash("sha256", canonicalJson(body)) };
}
