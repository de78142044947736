import type { JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createSupabaseTokens, type SignaturePolicy } from "../../src/integrations/supabase/access-tokens.ts";
import { nowMs, nowSeconds, type SigningFixture, startSigning, subject } from "./signing-fixture.ts";

const legacySecret = "the project's own secret, of before it had keys";

let project: SigningFixture;
beforeAll(async () => {
  project = await startSigning();
});
afterAll(() => project.close());

const movable = { atMs: nowMs };
beforeEach(() => {
  movable.atMs = nowMs;
  project.status = 200;
  project.keys = [project.ec.jwk, project.rsa.jwk];
  project.fetches = 0;
});

const ecToken = (changes: JWTPayload = {}): Promise<string> => project.sign({ ...project.genuine(), ...changes });

const published = { kind: "published_keys", algorithms: ["ES256", "RS256"] } as const;
function tokens(signatures: SignaturePolicy = published) {
  return createSupabaseTokens({
    supabaseUrl: project.supabaseUrl,
    signatures,
    clock: { nowMs: () => movable.atMs },
  });
}

const verified = (organizationId: string | null) => ({
  kind: "verified",
  claims: { subject, organizationId, expiresAtMs: nowMs + 60_000 },
});

describe("a genuine token", () => {
  test.each([
    ["names its organization", { app_metadata: { organization_id: "org_1" } }, "org_1"],
    ["need not name one", {}, null],
    ["may say that it names none", { app_metadata: { organization_id: null } }, null],
  ])("%s", async (_name, claims, organizationId) => {
    await expect(tokens().verify(await ecToken(claims))).resolves.toEqual(verified(organizationId));
  });

  test("may be signed with RS256", async () => {
    const token = await project.sign(project.genuine(), { alg: "RS256", kid: "rsa" }, project.rsa.key);
    await expect(tokens().verify(token)).resolves.toEqual(verified(null));
  });

  test.each([
    ["expired within the leeway", { exp: nowSeconds - 4 }],
    ["valid from within the leeway", { nbf: nowSeconds + 4, iat: nowSeconds + 4 }],
  ])("%s is accepted", async (_name, changes) => {
    await expect(tokens().verify(await ecToken(changes))).resolves.toMatchObject({ kind: "verified" });
  });
});

describe("with the legacy secret", () => {
  const legacy = () => tokens({ kind: "legacy_secret", secret: legacySecret });
  const key = () => new TextEncoder().encode(legacySecret);
  const hsToken = () => project.sign(project.genuine(), { alg: "HS256" }, key());

  test("HS256 is accepted, and no key is fetched", async () => {
    await expect(legacy().verify(await hsToken())).resolves.toEqual(verified(null));
    expect(project.fetches).toBe(0);
  });

  test("nothing else is", async () => {
    await expect(legacy().verify(await ecToken())).resolves.toEqual({ kind: "rejected" });
    expect(project.fetches).toBe(0);
  });

  test("a token signed with it is none without it", async () => {
    await expect(tokens().verify(await hsToken())).resolves.toEqual({ kind: "rejected" });
  });
});

describe("a genuine token that was seen before", () => {
  const signatureChecks = vi.spyOn(crypto.subtle, "verify");
  beforeEach(() => {
    signatureChecks.mockClear();
  });
  afterAll(() => signatureChecks.mockRestore());

  test("is not verified again, and says the same", async () => {
    const known = tokens();
    const token = await ecToken();
    const first = await known.verify(token);
    await expect(known.verify(token)).resolves.toEqual(first);
    expect(signatureChecks).toHaveBeenCalledTimes(1);
  });

  test("is refused once it has expired", async () => {
    const known = tokens();
    const token = await ecToken();
    await known.verify(token);
    movable.atMs = nowMs + 66_000;
    await expect(known.verify(token)).resolves.toEqual({ kind: "rejected" });
  });

  test("is verified again after ten minutes, however long it lasts", async () => {
    const known = tokens();
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
    const known = tokens();
    const token = await ecToken();
    await known.verify(token);
    const forged = `${token.slice(0, token.lastIndexOf("."))}.${"A".repeat(86)}`;
    await expect(known.verify(forged)).resolves.toEqual({ kind: "rejected" });
  });
});

describe("the published keys", () => {
  const unknown = () => project.sign(project.genuine(), { kid: "unknown" });

  test("are fetched once for many tokens", async () => {
    const verifier = tokens();
    await verifier.verify(await ecToken());
    await verifier.verify(await ecToken({ exp: nowSeconds + 61 }));
    expect(project.fetches).toBe(1);
  });

  test("are fetched again for an unknown key, at most once a minute however many ask for it", async () => {
    const verifier = tokens();
    await verifier.verify(await ecToken());
    movable.atMs += 60_000;
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const token = await project.sign(project.genuine(), { kid: `unknown ${attempt}` });
      await expect(verifier.verify(token)).resolves.toEqual({ kind: "rejected" });
      movable.atMs += 2_999;
    }
    expect(project.fetches).toBe(2);
    movable.atMs += 60_000;
    await verifier.verify(await unknown());
    expect(project.fetches).toBe(3);
  });

  test("may be rotated: a token of the next key is accepted as soon as it is published", async () => {
    const verifier = tokens();
    await verifier.verify(await ecToken());
    movable.atMs += 60_000;
    project.keys = [{ ...project.ec.jwk, kid: "next" }];
    const token = await project.sign({ ...project.genuine(), exp: nowSeconds + 600 }, { kid: "next" });
    await expect(verifier.verify(token)).resolves.toMatchObject({ kind: "verified" });
  });

  test("that were withdrawn are used ten minutes at most", async () => {
    const verifier = tokens();
    const token = await ecToken({ exp: nowSeconds + 3_600 });
    await verifier.verify(token);
    project.keys = [project.rsa.jwk];
    movable.atMs += 10 * 60_000;
    await expect(verifier.verify(token)).resolves.toEqual({ kind: "rejected" });
  });

  test("are used on while their server is away, for an hour", async () => {
    const verifier = tokens();
    await verifier.verify(await ecToken());
    project.status = 503;
    const lasting = async () => ecToken({ exp: nowSeconds + 7_200, jti: String(movable.atMs) });
    movable.atMs += 59 * 60_000;
    await expect(verifier.verify(await lasting())).resolves.toMatchObject({ kind: "verified" });
    movable.atMs += 60_000;
    await expect(verifier.verify(await lasting())).rejects.toThrow("keys");
  });

  test("that cannot be had say nothing about a token, and are not asked for with every request", async () => {
    project.status = 500;
    const verifier = tokens();
    for (let attempt = 0; attempt < 5; attempt += 1)
      await expect(verifier.verify(await ecToken())).rejects.toThrow(/key/u);
    expect(project.fetches).toBe(1);
    project.status = 200;
    movable.atMs += 5_000;
    await expect(verifier.verify(await ecToken())).resolves.toMatchObject({ kind: "verified" });
  });

  test("are none when their server says something else", async () => {
    project.keys = [];
    await expect(tokens().verify(await ecToken())).resolves.toEqual({ kind: "rejected" });
    const elsewhere = createSupabaseTokens({
      supabaseUrl: `${project.supabaseUrl}/nowhere`,
      signatures: published,
      clock: { nowMs: () => nowMs },
    });
    await expect(elsewhere.verify(await ecToken())).rejects.toThrow("keys");
  });
});

test("algorithms are pinned: a genuine signature of another counts for nothing", async () => {
  const token = await project.sign(project.genuine(), { alg: "RS256", kid: "rsa" }, project.rsa.key);
  const pinned = tokens({ kind: "published_keys", algorithms: ["ES256"] });
  await expect(pinned.verify(token)).resolves.toEqual({ kind: "rejected" });
});
