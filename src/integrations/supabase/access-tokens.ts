/** Verifies Supabase access tokens against the project's published keys. */
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";
import type { TokenVerdict } from "../../contracts/caller.ts";
import { organizationIdSchema } from "../../contracts/http.ts";
import type { TokenPort } from "../../contracts/ports.ts";
import type { Clock } from "../../core/clock.ts";

const audience = "authenticated";
const leewaySeconds = 5;
const keyFetchMaxMs = 3_000;

const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  app_metadata: z.object({ organization_id: organizationIdSchema.nullish() }).optional(),
});

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
 * every 30 s. `verify` throws when the keys cannot be had.
 */
export function createSupabaseTokens(settings: SupabaseSettings): TokenPort {
  const issuer = `${settings.supabaseUrl.replace(/\/+$/u, "")}/auth/v1`;
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { timeoutDuration: keyFetchMaxMs });

  const verify = async (token: string): Promise<TokenVerdict> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...settings.algorithms],
        issuer,
        audience,
        clockTolerance: leewaySeconds,
        currentDate: new Date(settings.clock.nowMs()),
        requiredClaims: ["exp", "sub"],
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return { kind: "rejected", reason: "invalid" };
      return {
        kind: "verified",
        claims: { subject: claims.data.sub, organizationId: claims.data.app_metadata?.organization_id ?? null },
      };
    } catch (error) {
      const reason = rejectionOf(error);
      if (reason === null) throw error;
      return { kind: "rejected", reason };
    }
  };
  return { verify };
}
