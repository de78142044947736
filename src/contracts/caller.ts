/** Who is asking: the verified identity behind a request, and what follows from its role. */
import type { PermissionLevel } from "./records.ts";

export interface UserCaller {
  readonly kind: "user";
  readonly organizationId: string;
  /** The token's `sub`. */
  readonly subject: string;
  /** The ERP's `users.id`; null while only a verified claim is known. */
  readonly userId: string | null;
  readonly level: PermissionLevel;
}

export interface PlatformAdministrator {
  readonly kind: "platform";
  /** The name in `ADMIN_TOKENS`; it stands in reviews and audit. */
  readonly name: string;
  /** From `X-Organization-Id`: the organization acted for, if any. */
  readonly organizationId: string | null;
}

export type Caller = UserCaller | PlatformAdministrator;

/** What a verified access token says. */
export interface TokenClaims {
  readonly subject: string;
  /** The organization that the ERP's token hook wrote into it, if it did. */
  readonly organizationId: string | null;
}

export type TokenVerdict =
  | { readonly kind: "verified"; readonly claims: TokenClaims }
  | { readonly kind: "rejected"; readonly reason: "expired" | "invalid" };

/** The row that the identity look-up returns, by plain SQL. */
export interface IdentityRow {
  readonly userId: string;
  readonly organizationId: string;
  readonly isActive: boolean;
  readonly level: PermissionLevel;
}

/** What a reader of an organization may see: everything, or the issues created by these user ids. */
export type Visibility = { readonly kind: "all" } | { readonly kind: "own"; readonly userIds: readonly string[] };
