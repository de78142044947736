/** Stand-in of Supabase Auth: publishes a signing key, and signs access tokens as the real one does. */
import { createEmulator, defineEmulator } from "emulate";
import { SignJWT, calculateJwkThumbprint, importJWK } from "jose";
import type { SigningKey } from "./state-directory.ts";

interface TokenSubject {
  /** `users.supabaseId`. */
  readonly subject: string;
  readonly email: string;
  /** What a token hook puts into `app_metadata.organization_id`; null when the project has none. */
  readonly organizationId: string | null;
}

export interface SupabaseStandIn {
  readonly url: string;
  /** A signed access token; one that has expired when the lifetime is negative. */
  accessToken(subject: TokenSubject, lifetimeSeconds?: number): Promise<string>;
  close(): Promise<void>;
}

const hourSeconds = 3_600;

/** Starts the stand-in on a port of this machine. */
export async function startSupabase(options: {
  readonly port: number;
  readonly signingKey: SigningKey;
}): Promise<SupabaseStandIn> {
  const { d: _private, ...publicKey } = options.signingKey;
  const kid = await calculateJwkThumbprint(publicKey);
  const privateKey = await importJWK(options.signingKey, "ES256");
  const definition = defineEmulator({
    name: "supabase",
    state: () => ({ keys: [{ ...publicKey, kid, alg: "ES256", use: "sig" }] }),
    setup: ({ app, state }) => {
      app.get("/auth/v1/.well-known/jwks.json", (context) => context.json(state));
      app.get("/auth/v1/health", (context) => context.json({ name: "GoTrue", description: "local stand-in" }));
    },
  });
  const emulator = await createEmulator({ service: definition, port: options.port });
  return {
    url: emulator.url,
    accessToken: async (subject, lifetimeSeconds = hourSeconds) => {
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const organization = subject.organizationId === null ? {} : { organization_id: subject.organizationId };
      return new SignJWT({
        email: subject.email,
        role: "authenticated",
        app_metadata: { provider: "email", ...organization },
      })
        .setProtectedHeader({ alg: "ES256", kid, typ: "JWT" })
        .setIssuer(`${emulator.url}/auth/v1`)
        .setAudience("authenticated")
        .setSubject(subject.subject)
        .setIssuedAt(nowSeconds + Math.min(0, lifetimeSeconds) - 1)
        .setExpirationTime(nowSeconds + lifetimeSeconds)
        .sign(privateKey);
    },
    close: () => emulator.close(),
  };
}
