/** A Supabase project as far as tokens go: two published keys on a real server, and tokens signed with them. */
import { randomUUID, type webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";

export const nowMs = Date.UTC(2026, 10, 22, 12);
export const nowSeconds = nowMs / 1_000;
export const subject = randomUUID();

type Key = webcrypto.CryptoKey;

export interface SigningFixture {
  readonly supabaseUrl: string;
  /** What the server publishes; tests may change it. */
  keys: readonly JWK[];
  /** What the server answers with. */
  status: number;
  /** How often it was asked for the keys. */
  fetches: number;
  readonly ec: { readonly key: Key; readonly jwk: JWK };
  readonly rsa: { readonly key: Key; readonly jwk: JWK };
  /** Claims of a token that is accepted. */
  genuine(): JWTPayload;
  sign(payload: JWTPayload, header?: Partial<JWTHeaderParameters>, key?: Key | Uint8Array): Promise<string>;
  close(): Promise<void>;
}

async function keyPair(algorithm: "ES256" | "RS256", kid: string): Promise<{ key: Key; jwk: JWK }> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  return { key: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: "sig" } };
}

export async function startSigning(): Promise<SigningFixture> {
  const [ec, rsa] = await Promise.all([keyPair("ES256", "ec"), keyPair("RS256", "rsa")]);
  const server = createServer((request, response) => {
    if (request.url !== "/auth/v1/.well-known/jwks.json") return void response.writeHead(404).end();
    fixture.fetches += 1;
    const body = JSON.stringify({ keys: fixture.keys });
    return void response.writeHead(fixture.status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the key server has no port");
  const supabaseUrl = `http://127.0.0.1:${address.port}`;
  const fixture: SigningFixture = {
    supabaseUrl,
    keys: [ec.jwk, rsa.jwk],
    status: 200,
    fetches: 0,
    ec,
    rsa,
    genuine: () => ({
      sub: subject,
      aud: "authenticated",
      iss: `${supabaseUrl}/auth/v1`,
      exp: nowSeconds + 60,
    }),
    sign: (payload, header = {}, key = ec.key) =>
      new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "ec", ...header }).sign(key),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      }),
  };
  return fixture;
}

export const base64url = (text: string): string => Buffer.from(text).toString("base64url");
