/** Verifies Supabase access tokens against the project's published keys. */
import { createHash } from "node:crypto";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { TokenVerdict } from "../../contracts/caller.ts";
import { organizationIdSchema } from "../../contracts/http.ts";
import type { TokenPort } from "../../contracts/ports.ts";
import type { Clock } from "../../core/clock.ts";

const audience = "authenticated";
const leewaySeconds = 5;
const keyFetchMaxMs = 3_000;
/** As long as a fetched key is used: a withdrawn key's tokens end no later for having been seen before. */
const knownMaxMs = 10 * 60_000;
const maxKnownTokens = 10_000;

const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  exp: z.number(),
  app_metadata: z.object({ organization_id: organizationIdSchema.nullish() }).optional(),
});

/** A genuine token, under its hash, and until when it need not be verified again. */
interface KnownToken {
  readonly verdict: TokenVerdict;
  readonly untilMs: number;
}

/** Faults of the key server, not of the token. */
const keyServerCodes = new Set([errors.JOSEError.code, errors.JWKSTimeout.code, errors.JWKSInvalid.code]);

export interface SupabaseSettings {
  readonly supabaseUrl: string;
  /** The only signature algorithms that are accepted, whatever a token's header says. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
}

/** What a failed verification says about the token; null when it says nothing because no key could be had. */
export function rejectionOf(error: unknown): "expired" | "invalid" | null {
  if (error instanceof errors.JWTExpired) return "expired";
  return error instanceof errors.JOSEError && !keyServerCodes.has(error.code) ? "invalid" : null;
}

/**
 * A verifier that fetches the keys when it first needs them, again after ten minutes, and for an unknown key at most
 * every 30 s. A genuine token is remembered by its hash until it expires, at most ten minutes. `verify` throws when the
 * keys cannot be had.
 */
export function createSupabaseTokens(settings: SupabaseSettings): TokenPort {
  const issuer = `${settings.supabaseUrl.replace(/\/+$/u, "")}/auth/v1`;
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { timeoutDuration: keyFetchMaxMs });

  const knownTokens = new LRUCache<string, KnownToken>({ max: maxKnownTokens });

  const verifySignature = async (token: string, tokenHash: string): Promise<TokenVerdict> => {
    const nowMs = settings.clock.nowMs();
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...settings.algorithms],
        issuer,
        audience,
        clockTolerance: leewaySeconds,
        currentDate: new Date(nowMs),
        requiredClaims: ["exp", "sub"],
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return { kind: "rejected", reason: "invalid" };
      const { sub: subject, exp: expiresAtSeconds, app_metadata: metadata } = claims.data;
      const verdict: TokenVerdict = {
        kind: "verified",
        claims: { subject, organizationId: metadata?.organization_id ?? null },
      };
      knownTokens.set(tokenHash, { verdict, untilMs: Math.min(expiresAtSeconds * 1_000, nowMs + knownMaxMs) });
      return verdict;
    } catch (error) {
      const reason = rejectionOf(error);
      if (reason === null) throw error;
      return { kind: "rejected", reason };
    }
  };

  return {
    verify: async (token) => {
      const tokenHash = createHash("sha256").update(token).digest("base64");
      const known = knownTokens.get(tokenHash);
      const isKnown = known !== undefined && settings.clock.nowMs() < known.untilMs;
      return isKnown ? known.verdict : verifySignature(token, tokenHash);
    },
  };
}
