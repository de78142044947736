import { createHmac, randomUUID, type webcrypto } from "node:crypto";
import { createServer, type Server } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createSupabaseTokens, rejectionOf } from "../../src/integrations/supabase/access-tokens.ts";

const nowMs = Date.UTC(2026, 10, 22, 12);
const nowSeconds = nowMs / 1_000;
const clock = { nowMs: () => nowMs };
const subject = randomUUID();

type Key = webcrypto.CryptoKey;

let server: Server;
let supabaseUrl: string;
let keyFetches = 0;
let ecKey: Key;
let rsaKey: Key;
let ecPublicX: string;

beforeAll(async () => {
  const ec = await generateKeyPair("ES256", { extractable: true });
  const rsa = await generateKeyPair("RS256", { extractable: true });
  ecKey = ec.privateKey;
  rsaKey = rsa.privateKey;
  const ecJwk = await exportJWK(ec.publicKey);
  ecPublicX = ecJwk.x ?? "";
  const keys = [
    { ...ecJwk, kid: "ec", alg: "ES256", use: "sig" },
    { ...(await exportJWK(rsa.publicKey)), kid: "rsa", alg: "RS256", use: "sig" },
  ];
  server = createServer((request, response) => {
    if (request.url !== "/auth/v1/.well-known/jwks.json") return void response.writeHead(404).end();
    keyFetches += 1;
    return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the key server has no port");
  supabaseUrl = `http://127.0.0.1:${address.port}`;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

const genuine = (): JWTPayload => ({
  sub: subject,
  aud: "authenticated",
  iss: `${supabaseUrl}/auth/v1`,
  exp: nowSeconds + 60,
});

async function sign(payload: JWTPayload, header: { alg: string; kid: string }, key: Key): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

const ecToken = (changes: JWTPayload = {}): Promise<string> =>
  sign({ ...genuine(), ...changes }, { alg: "ES256", kid: "ec" }, ecKey);

function tokens(algorithms = ["ES256", "RS256"]) {
  return createSupabaseTokens({ supabaseUrl, algorithms, clock });
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url");

describe("a genuine token", () => {
  test("tells subject and organization", async () => {
    const token = await ecToken({ app_metadata: { organization_id: "org_1" } });
    await expect(tokens().verify(token)).resolves.toEqual({
      kind: "verified",
      claims: { subject, organizationId: "org_1" },
    });
  });

  test("need not name an organization", async () => {
    await expect(tokens().verify(await ecToken())).resolves.toEqual({
      kind: "verified",
      claims: { subject, organizationId: null },
    });
  });

  test("may be signed with RS256", async () => {
    const token = await sign(genuine(), { alg: "RS256", kid: "rsa" }, rsaKey);
    await expect(tokens().verify(token)).resolves.toMatchObject({ kind: "verified" });
  });

  test.each([
    ["expired within the leeway", { exp: nowSeconds - 4 }],
    ["valid from within the leeway", { nbf: nowSeconds + 4 }],
  ])("%s is accepted", async (_name, changes) => {
    await expect(tokens().verify(await ecToken(changes))).resolves.toMatchObject({ kind: "verified" });
  });

  test("does not fetch the keys again", async () => {
    const verifier = tokens();
    await verifier.verify(await ecToken());
    const fetchesBefore = keyFetches;
    await verifier.verify(await ecToken());
    expect(keyFetches).toBe(fetchesBefore);
  });
});

describe("a genuine token that was seen before", () => {
  const signatureChecks = vi.spyOn(crypto.subtle, "verify");
  const movable = { atMs: nowMs };
  const verifier = () =>
    createSupabaseTokens({ supabaseUrl, algorithms: ["ES256"], clock: { nowMs: () => movable.atMs } });

  beforeEach(() => {
    movable.atMs = nowMs;
    signatureChecks.mockClear();
  });
  afterAll(() => signatureChecks.mockRestore());

  test("is not verified again, and says the same", async () => {
    const known = verifier();
    const token = await ecToken();
    const first = await known.verify(token);
    await expect(known.verify(token)).resolves.toEqual(first);
    expect(signatureChecks).toHaveBeenCalledTimes(1);
  });

  test("is refused once it has expired", async () => {
    const known = verifier();
    const token = await ecToken();
    await known.verify(token);
    movable.atMs = nowMs + 66_000;
    await expect(known.verify(token)).resolves.toEqual({ kind: "rejected", reason: "expired" });
  });

  test("is verified again after ten minutes, however long it lasts", async () => {
    const known = verifier();
    const token = await ecToken({ exp: nowSeconds + 3_600 });
    await known.verify(token);
    movable.atMs = nowMs + 10 * 60_000 - 1;
    await known.verify(token);
    expect(signatureChecks).toHaveBeenCalledTimes(1);
    movable.atMs += 1;
    await known.verify(token);
    expect(signatureChecks).toHaveBeenCalledTimes(2);
  });

  test("lends nothing to another with its payload and a false signature", async () => {
    const known = verifier();
    const token = await ecToken();
    await known.verify(token);
    const forged = `${token.slice(0, token.lastIndexOf("."))}.${"A".repeat(86)}`;
    await expect(known.verify(forged)).resolves.toEqual({ kind: "rejected", reason: "invalid" });
  });
});

describe("a token is refused", () => {
  test("as expired, and said so", async () => {
    const token = await ecToken({ exp: nowSeconds - 6 });
    await expect(tokens().verify(token)).resolves.toEqual({ kind: "rejected", reason: "expired" });
  });

  test.each<[string, () => Promise<string>]>([
    ["for another audience", () => ecToken({ aud: "anon" })],
    ["from another issuer", () => ecToken({ iss: "https://elsewhere.example/auth/v1" })],
    ["valid only later", () => ecToken({ nbf: nowSeconds + 6 })],
    ["without a subject", () => ecToken({ sub: "" })],
    ["with an organization that is no id", () => ecToken({ app_metadata: { organization_id: "../other" } })],
    ["signed by a key that is not published", () => sign(genuine(), { alg: "ES256", kid: "unknown" }, ecKey)],
    ["of no form", () => Promise.resolve("not.a.token")],
    ["with a payload that was changed", async () => changedPayload(await ecToken())],
    ["without a signature", () => Promise.resolve(unsigned())],
    ["signed with the public key as a secret", () => Promise.resolve(signedWithPublicKey())],
  ])("%s", async (_name, make) => {
    await expect(tokens().verify(await make())).resolves.toEqual({ kind: "rejected", reason: "invalid" });
  });

  test("without an expiry", async () => {
    const { exp: _exp, ...eternal } = genuine();
    const token = await sign(eternal, { alg: "ES256", kid: "ec" }, ecKey);
    await expect(tokens().verify(token)).resolves.toEqual({ kind: "rejected", reason: "invalid" });
  });

  test("when its algorithm is not among the pinned ones", async () => {
    const token = await sign(genuine(), { alg: "RS256", kid: "rsa" }, rsaKey);
    await expect(tokens(["ES256"]).verify(token)).resolves.toEqual({ kind: "rejected", reason: "invalid" });
  });
});

test("without the keys nothing is said about a token", async () => {
  const verifier = createSupabaseTokens({ supabaseUrl: `${supabaseUrl}/nowhere`, algorithms: ["ES256"], clock });
  await expect(verifier.verify(await ecToken())).rejects.toThrow(/200 OK/u);
  expect(rejectionOf(new TypeError("fetch failed"))).toBeNull();
});

function changedPayload(token: string): string {
  const [header = "", , signature = ""] = token.split(".");
  return [header, base64url(JSON.stringify({ ...genuine(), sub: randomUUID() })), signature].join(".");
}

function unsigned(): string {
  return `${base64url(JSON.stringify({ alg: "none" }))}.${base64url(JSON.stringify(genuine()))}.`;
}

function signedWithPublicKey(): string {
  const signed = `${base64url(JSON.stringify({ alg: "HS256", kid: "ec" }))}.${base64url(JSON.stringify(genuine()))}`;
  return `${signed}.${createHmac("sha256", ecPublicX).update(signed).digest("base64url")}`;
}
