/** From a verified credential to a caller: what follows from the rows that Postgres holds, and what without one. */
import { type IdentityRow, type KeyCaller, type KeyRow, keyScopes, type KeyScope } from "../contracts/caller.ts";
import type { TokenClaims, UserCaller } from "../contracts/caller.ts";
import type { PermissionLevel } from "../contracts/records.ts";
import type { Failure } from "../core/errors.ts";
import type { Lookup } from "./lookup-cache.ts";

export type CallerDecision<Known> =
  | { readonly kind: "caller"; readonly caller: Known }
  | { readonly kind: "refused"; readonly failure: Failure };

/** The same words for every credential that proves nothing: they must not tell a forger how near he came. */
export const unauthenticated: Failure = {
  code: "unauthenticated",
  detail: "Send a valid access token or API key as `Authorization: Bearer …`.",
};

/** The same words for everyone who is known and has no access at all. */
export const withoutAccess: Failure = { code: "forbidden", detail: "This account has no access to agents." };

const unreachable: Failure = {
  code: "unavailable",
  detail: "Your identity cannot be looked up right now.",
  retryAfterSeconds: 5,
};

function refused(failure: Failure): { readonly kind: "refused"; readonly failure: Failure } {
  return { kind: "refused", failure };
}

function withoutRow({ subject, organizationId }: TokenClaims): CallerDecision<UserCaller> {
  if (organizationId === null) return refused(unreachable);
  return { kind: "caller", caller: { kind: "user", organizationId, subject, userId: null, level: "FREELANCER" } };
}

/**
 * Who calls with an access token. The role always comes from the row; while Postgres is unreachable a verified
 * organization claim grants what a freelancer may do: submit, and read one's own issues.
 */
export function decideCaller(claims: TokenClaims, lookup: Lookup<IdentityRow>): CallerDecision<UserCaller> {
  if (lookup.kind === "unreachable") return withoutRow(claims);
  const { row } = lookup;
  if (row === null || !row.isActive || row.level === "CLIENT") return refused(withoutAccess);
  const contradicts = claims.organizationId !== null && claims.organizationId !== row.organizationId;
  if (contradicts) return refused(withoutAccess);
  const { organizationId, userId, level } = row;
  return { kind: "caller", caller: { kind: "user", organizationId, subject: claims.subject, userId, level } };
}

/** From the most to the least that a level may do. */
const levelsDownward: readonly PermissionLevel[] = [
  "ADMIN",
  "LEADERSHIP",
  "TEAM_LEAD",
  "STAFF",
  "FREELANCER",
  "CLIENT",
];

function lowerLevel(left: PermissionLevel, right: PermissionLevel): PermissionLevel {
  return levelsDownward.indexOf(left) > levelsDownward.indexOf(right) ? left : right;
}

/** What a key may be at most: no scope makes it an administrator. */
function levelOfScopes(scopes: ReadonlySet<KeyScope>): PermissionLevel {
  return scopes.has("agents:review") ? "LEADERSHIP" : "STAFF";
}

/**
 * Who calls with an ERP API key, alone or in a user's name. A key that is unknown, switched off, revoked or expired proves
 * nothing; one without a scope of ours, or for a user who is not the organization's or may do nothing, has no access.
 */
export function decideKeyCaller(
  actingUserId: string | null,
  lookup: Lookup<KeyRow>,
  nowMs: number,
): CallerDecision<KeyCaller> {
  if (lookup.kind === "unreachable") return refused(unreachable);
  const { row } = lookup;
  if (row === null || !row.isActive || (row.expiresAtMs !== null && row.expiresAtMs <= nowMs)) {
    return refused(unauthenticated);
  }
  const scopes = new Set(keyScopes.filter((scope) => row.scopes.includes(scope)));
  const { organizationId, keyId, requestsPerHour, actingUser } = row;
  if (scopes.size === 0 || (actingUserId !== null && actingUser === null)) return refused(withoutAccess);
  const allowed = levelOfScopes(scopes);
  const level = actingUser === null ? allowed : lowerLevel(allowed, actingUser.level);
  if (level === "CLIENT") return refused(withoutAccess);
  const user = actingUser === null ? null : { userId: actingUser.userId, subject: actingUser.subject };
  const key = { organizationId, keyId, scopes, requestsPerHour };
  return { kind: "caller", caller: { kind: "key", ...key, actingUser: user, level } };
}
