/** Who is asking: the verified identity behind a request, and what follows from its role. */
import type { PermissionLevel } from "./records.ts";

/** What an ERP API key may be used for; its other scopes mean nothing here. */
export const keyScopes = ["agents:read", "agents:write", "agents:review"] as const;
export type KeyScope = (typeof keyScopes)[number];

export interface UserCaller {
  readonly kind: "user";
  readonly organizationId: string;
  /** The token's `sub`. */
  readonly subject: string;
  /** The ERP's `users.id`; null while only a verified claim is known. */
  readonly userId: string | null;
  readonly level: PermissionLevel;
}

/** An ERP API key. */
export interface KeyCaller {
  readonly kind: "key";
  readonly organizationId: string;
  /** The ERP's `api_keys.id`. */
  readonly keyId: string;
  readonly scopes: ReadonlySet<KeyScope>;
  readonly requestsPerHour: number;
  /** The user that it acts for, if any. */
  readonly actingUser: { readonly userId: string; readonly subject: string | null } | null;
  /** The lower of what the scopes allow and the acting user's. */
  readonly level: PermissionLevel;
}

export interface PlatformAdministrator {
  readonly kind: "platform";
  /** The name in `ADMIN_TOKENS`; it stands in reviews and audit. */
  readonly name: string;
  /** From `X-Organization-Id`: the organization acted for, if any. */
  readonly organizationId: string | null;
}

export type Caller = UserCaller | KeyCaller | PlatformAdministrator;

/** What a verified access token says. */
export interface TokenClaims {
  readonly subject: string;
  /** The organization that the ERP's token hook wrote into it, if it did. */
  readonly organizationId: string | null;
  readonly expiresAtMs: number;
}

export type TokenVerdict =
  | { readonly kind: "verified"; readonly claims: TokenClaims }
  /** Not genuine, or not valid now: it proves nothing. */
  | { readonly kind: "rejected" }
  /** Genuine, but the organization that it names is no id: it grants nothing. */
  | { readonly kind: "unusable" };

/** The row that the identity look-up returns, by plain SQL. */
export interface IdentityRow {
  readonly userId: string;
  readonly organizationId: string;
  readonly isActive: boolean;
  readonly level: PermissionLevel;
}

/** Which key is looked up, and for whom it is used. */
export interface KeyQuery {
  /** SHA-256 (hex) of the key. */
  readonly keyHash: string;
  /** The `users.id` that the request names; null when it names nobody. */
  readonly actingUserId: string | null;
}

/** The row that the look-up of an API key returns, by plain SQL. */
export interface KeyRow {
  readonly keyId: string;
  readonly organizationId: string;
  readonly scopes: readonly string[];
  readonly requestsPerHour: number;
  /** Active and not revoked; whether it has expired is told by `expiresAtMs`. */
  readonly isActive: boolean;
  readonly expiresAtMs: number | null;
  /** The acting user; null when none was named, or none who is active and of the key's organization. */
  readonly actingUser: {
    readonly userId: string;
    readonly subject: string | null;
    readonly level: PermissionLevel;
  } | null;
}

/** What a reader of an organization may see: everything, or the issues created by these user ids. */
export type Visibility = { readonly kind: "all" } | { readonly kind: "own"; readonly userIds: readonly string[] };
