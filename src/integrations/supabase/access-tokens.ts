/** Verifies Supabase access tokens, against the project's published keys or its legacy secret. */
import { hash } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { TokenVerdict } from "../../contracts/caller.ts";
import { organizationIdSchema } from "../../contracts/http.ts";
import type { TokenPort } from "../../contracts/ports.ts";
import type { Clock } from "../../core/clock.ts";
import { PublishedKeys } from "./published-keys.ts";

const audience = "authenticated";
const leewaySeconds = 5;
/** A withdrawn key's tokens end no later for having been seen before than the keys are looked at again. */
const knownMaxMs = 10 * 60_000;
const maxKnownTokens = 10_000;

/** What must hold beyond the library's checks: times are whole seconds, and the audience is one text. */
const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  aud: z.literal(audience),
  exp: z.int().min(0),
  nbf: z.int().optional(),
  iat: z.int().optional(),
});

/** Only `app_metadata` counts: a user may write `user_metadata` himself. */
const organizationClaimSchema = z.object({ organization_id: organizationIdSchema.nullish() }).optional();

/** A genuine token, under its hash, and until when it need not be verified again. */
interface KnownToken {
  readonly verdict: TokenVerdict;
  readonly untilMs: number;
}

/** How signatures are checked. Configuration decides, never a token's header. */
export type SignaturePolicy =
  | { readonly kind: "published_keys"; readonly algorithms: readonly ("ES256" | "RS256")[] }
  /** The project's one HS256 secret, of before it had published keys. */
  | { readonly kind: "legacy_secret"; readonly secret: string };

export interface SupabaseSettings {
  readonly supabaseUrl: string;
  readonly signatures: SignaturePolicy;
  readonly clock: Clock;
}

function verdictOf(payload: JWTPayload, nowMs: number): TokenVerdict {
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) return { kind: "rejected" };
  const { sub: subject, exp, iat } = claims.data;
  if (iat !== undefined && iat > nowMs / 1_000 + leewaySeconds) return { kind: "rejected" };
  const organization = organizationClaimSchema.safeParse(payload["app_metadata"]);
  if (!organization.success) return { kind: "unusable" };
  const organizationId = organization.data?.organization_id ?? null;
  return { kind: "verified", claims: { subject, organizationId, expiresAtMs: exp * 1_000 } };
}

/** The key of a token, and the only algorithms that it may be used with. */
function keySource({ supabaseUrl, signatures, clock }: SupabaseSettings): {
  readonly algorithms: string[];
  readonly getKey: JWTVerifyGetKey;
} {
  if (signatures.kind === "legacy_secret") {
    const secret = new TextEncoder().encode(signatures.secret);
    return { algorithms: ["HS256"], getKey: () => Promise.resolve(secret) };
  }
  const keys = new PublishedKeys(`${issuerOf(supabaseUrl)}/.well-known/jwks.json`, clock);
  return { algorithms: [...signatures.algorithms], getKey: (header, token) => keys.find(header, token) };
}

function issuerOf(supabaseUrl: string): string {
  return `${supabaseUrl.replace(/\/+$/u, "")}/auth/v1`;
}

/**
 * A verifier of a project's access tokens. A genuine one is remembered by its hash until it expires, at most ten minutes.
 * `verify` throws `KeysUnavailableError` when the keys cannot be had.
 */
export function createSupabaseTokens(settings: SupabaseSettings): TokenPort {
  const { clock } = settings;
  const issuer = issuerOf(settings.supabaseUrl);
  const { algorithms, getKey } = keySource(settings);
  const knownTokens = new LRUCache<string, KnownToken>({ max: maxKnownTokens });

  const verifySignature = async (token: string, tokenHash: string): Promise<TokenVerdict> => {
    const nowMs = clock.nowMs();
    try {
      const { payload } = await jwtVerify(token, getKey, {
        algorithms,
        issuer,
        audience,
        clockTolerance: leewaySeconds,
        currentDate: new Date(nowMs),
        requiredClaims: ["exp", "sub"],
      });
      const verdict = verdictOf(payload, nowMs);
      if (verdict.kind === "verified") {
        knownTokens.set(tokenHash, { verdict, untilMs: Math.min(verdict.claims.expiresAtMs, nowMs + knownMaxMs) });
      }
      return verdict;
    } catch (error) {
      if (error instanceof errors.JOSEError) return { kind: "rejected" };
      throw error;
    }
  };

  return {
    verify: async (token) => {
      const tokenHash = hash("sha256", token);
      const known = knownTokens.get(tokenHash);
      const isKnown = known !== undefined && clock.nowMs() < known.untilMs;
      return isKnown ? known.verdict : verifySignature(token, tokenHash);
    },
  };
}
