/** Tokens as an attacker would make them, against the whole edge with the real verifier and a real key server. */
import { createHmac, randomUUID, webcrypto } from "node:crypto";
import fc from "fast-check";
import { exportSPKI, generateKeyPair, exportJWK, importJWK, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createSupabaseTokens } from "../../src/integrations/supabase/access-tokens.ts";
import { bearer, EdgeFixture } from "./http-fixture.ts";
import { base64url, nowMs, nowSeconds, type SigningFixture, startSigning, subject } from "./signing-fixture.ts";

let project: SigningFixture;
beforeAll(async () => {
  project = await startSigning();
});
afterAll(() => project.close());
beforeEach(() => {
  project.fetches = 0;
});

/** An edge in whose database the tokens' subject is an administrator, so that a token that passes is noticed. */
function edge() {
  const fixture = new EdgeFixture();
  fixture.nowMs = nowMs;
  fixture.rows.set(subject, { userId: "user_1", organizationId: "org_1", isActive: true, level: "ADMIN" });
  const tokens = createSupabaseTokens({
    supabaseUrl: project.supabaseUrl,
    signatures: { kind: "published_keys", algorithms: ["ES256", "RS256"] },
    clock: { nowMs: () => fixture.nowMs },
  });
  const app = fixture.app({ tokens });
  const ask = async (token: string) => {
    const response = await app.request("/api/agents", { headers: bearer(token) });
    const requestId = response.headers.get("x-request-id") ?? "none";
    const body = (await response.text()).replaceAll(requestId, "<request>");
    const headers = [...response.headers].filter(([name]) => name !== "x-request-id");
    return { status: response.status, body, headers };
  };
  return { fixture, ask };
}

const segment = (value: unknown): string => base64url(JSON.stringify(value));
const claimsWith = (changes: JWTPayload): JWTPayload => ({ ...project.genuine(), ...changes });
const signed = (changes: JWTPayload): Promise<string> => project.sign(claimsWith(changes));
const unsigned = (header: object): string => `${segment(header)}.${segment(project.genuine())}`;
const hmac = (input: string, secret: string): string =>
  `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;

/** The genuine token's parts: header, payload, signature. */
async function parts(): Promise<[string, string, string]> {
  const [header = "", payload = "", signature = ""] = (await signed({})).split(".");
  return [header, payload, signature];
}

/** A token that is signed correctly with the attacker's own key, which its header offers. */
async function signedByAttacker(header: object): Promise<string> {
  const own = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(own.publicKey);
  return project.sign(project.genuine(), { ...header, jwk }, own.privateKey);
}

/** Signed by the project, with claims that no library would write. */
async function signedText(payload: string): Promise<string> {
  const input = `${segment({ alg: "ES256", kid: "ec" })}.${base64url(payload)}`;
  const signature = await webcrypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, project.ec.key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}

const withClaim = (name: string, json: string): Promise<string> => {
  const claims = Object.entries(project.genuine()).filter(([key]) => key !== name);
  const written = claims.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return signedText(`{${[...written, `${JSON.stringify(name)}:${json}`].join(",")}}`);
};

const unauthenticated: readonly (readonly [string, () => string | Promise<string>])[] = [
  ["alg none without a signature", () => `${unsigned({ alg: "none" })}.`],
  ["alg None with the genuine signature", async () => `${unsigned({ alg: "None" })}.${(await parts())[2]}`],
  ["no alg", () => `${unsigned({ kid: "ec" })}.AAAA`],
  ["an alg that is a list", () => `${unsigned({ alg: ["ES256"], kid: "ec" })}.AAAA`],
  ["an alg that is a name of every object", () => `${unsigned({ alg: "__proto__", kid: "ec" })}.AAAA`],
  [
    "HS256 with the published key's coordinate",
    () => hmac(unsigned({ alg: "HS256", kid: "ec" }), project.ec.jwk.x ?? ""),
  ],
  [
    "HS256 with the published key's PEM",
    async () => {
      const key = await importJWK({ ...project.rsa.jwk, ext: true }, "RS256");
      if (key instanceof Uint8Array) throw new Error("an RSA key is no secret");
      return hmac(unsigned({ alg: "HS256", kid: "rsa" }), await exportSPKI(key));
    },
  ],
  ["HS256 with an empty secret", () => hmac(unsigned({ alg: "HS256" }), "\0")],
  ["RS256 under the EC key's id", () => project.sign(project.genuine(), { alg: "RS256" }, project.rsa.key)],
  ["an embedded key", () => signedByAttacker({})],
  ["an embedded key of no id", () => signedByAttacker({ kid: undefined })],
  ["a key elsewhere (jku)", () => signedByAttacker({ jku: `${project.supabaseUrl}/attacker.json` })],
  ["a certificate elsewhere (x5u)", () => signedByAttacker({ x5u: `${project.supabaseUrl}/attacker.pem` })],
  ["an embedded certificate", () => signedByAttacker({ x5c: ["MIIB"] })],
  ["a kid that is a path", () => signedByAttacker({ kid: "../../dev/null" })],
  ["a kid that is SQL", () => signedByAttacker({ kid: "' UNION SELECT 'x" })],
  ["a kid that is a number", () => `${unsigned({ alg: "ES256", kid: 7 })}.AAAA`],
  ["a kid that is an object", () => `${unsigned({ alg: "ES256", kid: { toString: "ec" } })}.AAAA`],
  ["a critical header of its own", () => `${unsigned({ alg: "ES256", kid: "ec", crit: ["x"], x: 1 })}.AAAA`],
  ["an unencoded payload", () => `${unsigned({ alg: "ES256", kid: "ec", crit: ["b64"], b64: false })}.AAAA`],
  ["an empty signature", async () => `${(await parts()).slice(0, 2).join(".")}.`],
  ["a signature of zeros", async () => `${(await parts()).slice(0, 2).join(".")}.${"A".repeat(86)}`],
  ["a DER signature", async () => `${(await parts()).slice(0, 2).join(".")}.MEUCIQ`],
  ["no signature at all", async () => (await parts()).slice(0, 2).join(".")],
  ["a fourth segment", async () => `${(await parts()).join(".")}.AAAA`],
  ["five segments", async () => `${(await parts()).join(".")}..`],
  ["an empty header", async () => `.${(await parts())[1]}.${(await parts())[2]}`],
  [
    "another payload",
    async () => `${(await parts())[0]}.${segment(claimsWith({ sub: randomUUID() }))}.${(await parts())[2]}`,
  ],
  ["an empty audience", () => signed({ aud: "" })],
  ["another audience", () => signed({ aud: "anon" })],
  ["an audience in other letters", () => signed({ aud: "Authenticated" })],
  ["a list as audience", () => signed({ aud: ["authenticated"] })],
  ["a list of audiences", () => signed({ aud: ["authenticated", "other"] })],
  ["no audience", () => withClaim("aud", "null")],
  ["another issuer", () => signed({ iss: "https://elsewhere.example/auth/v1" })],
  ["an issuer with a slash more", () => signed({ iss: `${project.supabaseUrl}/auth/v1/` })],
  ["no issuer", () => withClaim("iss", "null")],
  ["an expiry in the past", () => signed({ exp: nowSeconds - 6 })],
  ["an expiry long ago", () => signed({ exp: 0 })],
  ["a negative expiry", () => signed({ exp: -1 })],
  ["no expiry", () => withClaim("exp", "null")],
  ["an expiry that is text", () => withClaim("exp", `"${nowSeconds + 60}"`)],
  ["an expiry beyond all numbers", () => withClaim("exp", "1e400")],
  ["an expiry that is no whole number", () => withClaim("exp", `${nowSeconds + 60}.5`)],
  ["an expiry in a list", () => withClaim("exp", `[${nowSeconds + 60}]`)],
  ["a time before which it is not valid", () => signed({ nbf: nowSeconds + 6 })],
  ["a not-before that is text", () => withClaim("nbf", `"0"`)],
  ["an issue time in the future", () => signed({ iat: nowSeconds + 6 })],
  ["no subject", () => withClaim("sub", "null")],
  ["an empty subject", () => signed({ sub: "" })],
  ["a subject that is a number", () => withClaim("sub", "1")],
  ["a huge subject", () => signed({ sub: "x".repeat(201) })],
  ["a payload that is no object", () => signedText("[]")],
  ["a payload that is no JSON", () => signedText("{")],
  ["more characters than a token may have", () => signed({ filler: "x".repeat(8_192) })],
  ["a megabyte", () => "x".repeat(1_000_000)],
];

const withoutRight: readonly (readonly [string, () => Promise<string>])[] = [
  ["an empty text as organization", () => signed({ app_metadata: { organization_id: "" } })],
  ["a list as organization", () => signed({ app_metadata: { organization_id: ["org_1"] } })],
  ["an object as organization", () => signed({ app_metadata: { organization_id: { id: "org_1" } } })],
  ["a number as organization", () => signed({ app_metadata: { organization_id: 1 } })],
  ["a path as organization", () => signed({ app_metadata: { organization_id: "../org_1" } })],
  ["text as metadata", () => signed({ app_metadata: "org_1" })],
  ["an organization that is not the user's", () => signed({ app_metadata: { organization_id: "org_2" } })],
  ["its own organization in other letters", () => signed({ app_metadata: { organization_id: "ORG_1" } })],
  ["no user", () => signed({ sub: randomUUID() })],
  ["no user, but an organization", () => signed({ sub: randomUUID(), app_metadata: { organization_id: "org_1" } })],
  [
    "no user, but an organization that the user wrote",
    () => signed({ sub: randomUUID(), user_metadata: { organization_id: "org_1" } }),
  ],
];

describe("the genuine token", () => {
  test("is let in, for the organization of its row, whatever user_metadata says", async () => {
    const { fixture, ask } = edge();
    expect((await ask(await signed({ user_metadata: { organization_id: "org_2" } }))).status).toBe(200);
    expect(fixture.calls.map((call) => call.organizationId)).toEqual(["org_1", "org_1"]);
  });
});

describe("a token that proves nothing", () => {
  test("is answered 401 with the same words whatever is wrong, after one fetch of the keys at most", async () => {
    const { fixture, ask } = edge();
    const network = vi.spyOn(globalThis, "fetch");
    const answers = new Map<string, unknown>();
    for (const [name, make] of unauthenticated) answers.set(name, await ask(await make()));
    answers.set("nothing", await ask(""));
    const urls = network.mock.calls.map(([url]) => url);
    network.mockRestore();

    const [expected] = answers.values();
    expect(expected).toMatchObject({ status: 401, body: expect.stringContaining('"unauthenticated"') as unknown });
    for (const [name, answer] of answers) expect({ name, answer }).toEqual({ name, answer: expected });
    expect(urls).toEqual([`${project.supabaseUrl}/auth/v1/.well-known/jwks.json`]);
    expect(fixture.identityReads).toEqual([]);
    expect(fixture.calls).toEqual([]);
  });

  test("is refused before any computation when it is huge", async () => {
    const { ask } = edge();
    const checks = vi.spyOn(crypto.subtle, "verify");
    const imports = vi.spyOn(crypto.subtle, "importKey");
    expect((await ask(await signed({ filler: "x".repeat(8_192) }))).status).toBe(401);
    expect(checks).not.toHaveBeenCalled();
    expect(imports).not.toHaveBeenCalled();
    expect(project.fetches).toBe(0);
    checks.mockRestore();
    imports.mockRestore();
  });

  test("is never an error of ours, whatever its segments hold", async () => {
    const { fixture, ask } = edge();
    const json = fc.oneof(fc.json(), fc.string(), fc.constant(JSON.stringify({ alg: "ES256", kid: "ec" })));
    const segments = fc.array(json, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(segments, async (texts) => {
        expect((await ask(texts.map(base64url).join("."))).status).toBe(401);
      }),
      { numRuns: 300 },
    );
    expect(fixture.calls).toEqual([]);
  });
});

describe("a genuine token that grants nothing", () => {
  test("is answered 403 with the same words whatever it lacks, after one look-up at most", async () => {
    const { fixture, ask } = edge();
    const answers = new Map<string, unknown>();
    for (const [name, make] of withoutRight) {
      fixture.identityReads.length = 0;
      answers.set(name, await ask(await make()));
      expect({ name, isBounded: fixture.identityReads.length <= 1 }).toEqual({ name, isBounded: true });
    }
    const [expected] = answers.values();
    expect(expected).toMatchObject({ status: 403, body: expect.stringContaining('"forbidden"') as unknown });
    for (const [name, answer] of answers) expect({ name, answer }).toEqual({ name, answer: expected });
    expect(fixture.calls).toEqual([]);
    expect(project.fetches).toBe(1);
  });

  test("asks Postgres nothing when its claims do not hold", async () => {
    const { fixture, ask } = edge();
    await ask(await signed({ app_metadata: { organization_id: "" } }));
    expect(fixture.identityReads).toEqual([]);
  });
});
