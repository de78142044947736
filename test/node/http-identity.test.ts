import { describe, expect, test } from "vitest";
import type { IdentityRow, KeyRow, TokenClaims } from "../../src/contracts/caller.ts";
import type { PermissionLevel } from "../../src/contracts/records.ts";
import { createLogger } from "../../src/core/log.ts";
import { administratorOf } from "../../src/http/admin-tokens.ts";
import { decideCaller, decideKeyCaller } from "../../src/http/identity.ts";
import { LookupCache } from "../../src/http/lookup-cache.ts";
import { platformAdministrator, reviewerOf, tenantAccess } from "../../src/http/permissions.ts";

const row = (changes: Partial<IdentityRow> = {}): IdentityRow => ({
  userId: "user_1",
  organizationId: "org_1",
  isActive: true,
  level: "STAFF",
  ...changes,
});
const claims = (organizationId: string | null = null): TokenClaims => ({
  subject: "sub_1",
  organizationId,
  expiresAtMs: 1_000,
});
const known = (changes: Partial<IdentityRow> = {}) => ({ kind: "known", row: row(changes) }) as const;

describe("who calls", () => {
  test.each([
    ["a user, by his row", claims(), known()],
    ["a user whose token names his organization", claims("org_1"), known()],
  ])("%s", (_name, token, lookup) => {
    expect(decideCaller(token, lookup)).toEqual({
      kind: "caller",
      caller: { kind: "user", organizationId: "org_1", subject: "sub_1", userId: "user_1", level: "STAFF" },
    });
  });

  test("a verified claim without a row to be had counts as a freelancer's", () => {
    expect(decideCaller(claims("org_1"), { kind: "unreachable" })).toEqual({
      kind: "caller",
      caller: { kind: "user", organizationId: "org_1", subject: "sub_1", userId: null, level: "FREELANCER" },
    });
  });

  test.each([
    ["nobody's token", claims("org_1"), { kind: "known", row: null } as const, "forbidden"],
    ["an inactive user", claims(), known({ isActive: false }), "forbidden"],
    ["a client", claims(), known({ level: "CLIENT" }), "forbidden"],
    ["a claim that contradicts the row", claims("org_2"), known(), "forbidden"],
    ["neither claim nor row", claims(), { kind: "unreachable" } as const, "unavailable"],
  ])("%s is refused", (_name, token, lookup, code) => {
    expect(decideCaller(token, lookup)).toMatchObject({ kind: "refused", failure: { code } });
  });
});

describe("what calls with an API key", () => {
  const keyRow = (changes: Partial<KeyRow> = {}): KeyRow => ({
    keyId: "key_1",
    organizationId: "org_1",
    scopes: ["agents:read", "briefs:write"],
    requestsPerHour: 50,
    isActive: true,
    expiresAtMs: null,
    actingUser: null,
    ...changes,
  });
  const decide = (changes: Partial<KeyRow>, actingUserId: string | null = null) =>
    decideKeyCaller(actingUserId, { kind: "known", row: keyRow(changes) }, 1_000);

  test("is the key, with those of its scopes that mean something here", () => {
    expect(decide({})).toEqual({
      kind: "caller",
      caller: {
        kind: "key",
        organizationId: "org_1",
        keyId: "key_1",
        scopes: new Set(["agents:read"]),
        requestsPerHour: 50,
        actingUser: null,
        level: "STAFF",
      },
    });
  });

  const acting = (level: PermissionLevel) => ({ actingUser: { userId: "user_1", subject: "sub_1", level } });
  test.each([
    ["agents:write", "FREELANCER", "FREELANCER"],
    ["agents:write", "STAFF", "STAFF"],
    ["agents:write", "ADMIN", "STAFF"],
    ["agents:review", "STAFF", "STAFF"],
    ["agents:review", "TEAM_LEAD", "TEAM_LEAD"],
    ["agents:review", "ADMIN", "LEADERSHIP"],
  ] as const)("with the scope %s for a user at %s has the level %s", (scope, level, expected) => {
    expect(decide({ scopes: [scope], ...acting(level) }, "user_1")).toMatchObject({
      kind: "caller",
      caller: { level: expected, actingUser: { userId: "user_1", subject: "sub_1" } },
    });
  });

  test.each([
    ["switched off or revoked", { isActive: false }, null, "unauthenticated"],
    ["expired", { expiresAtMs: 1_000 }, null, "unauthenticated"],
    ["without a scope of ours", { scopes: ["briefs:read", "agents", "agents:*"] }, null, "forbidden"],
    ["for nobody of the organization", {}, "user_2", "forbidden"],
    ["for a client", acting("CLIENT"), "user_1", "forbidden"],
  ] as const)("and is %s is refused", (_name, changes, actingUserId, code) => {
    expect(decide(changes, actingUserId)).toMatchObject({ kind: "refused", failure: { code } });
  });

  test.each([
    ["unknown", { kind: "known", row: null } as const, "unauthenticated"],
    ["not to be looked up now", { kind: "unreachable" } as const, "unavailable"],
  ])("and is %s is refused", (_name, lookup, code) => {
    expect(decideKeyCaller(null, lookup, 1_000)).toMatchObject({ kind: "refused", failure: { code } });
  });

  test("submits as STAFF in nobody's name, and decides no review whatever its scope", () => {
    const decision = decide({ scopes: ["agents:read", "agents:write", "agents:review"] });
    if (decision.kind === "refused") throw new Error("the key was refused");
    const access = tenantAccess(decision.caller);
    expect(access).toMatchObject({
      submitterLevel: "STAFF",
      createdById: null,
      actor: "key:key_1",
      person: "key:key_1",
      visibility: { kind: "all" },
      authority: { kind: "all" },
    });
    expect(() => reviewerOf(access)).toThrow("forbidden");
  });

  test("acts for a user under both of his ids, and commands no more than he may", () => {
    const decision = decide({ scopes: ["agents:write"], ...acting("ADMIN") }, "user_1");
    if (decision.kind === "refused") throw new Error("the key was refused");
    expect(tenantAccess(decision.caller)).toMatchObject({
      submitterLevel: "STAFF",
      createdById: "user_1",
      person: "user:user_1",
      authority: { kind: "own", userIds: ["user_1", "sub_1"] },
      reviewer: null,
    });
  });
});

describe("what a role may do", () => {
  const accessOf = (level: PermissionLevel) =>
    tenantAccess({ kind: "user", organizationId: "org_1", subject: "sub_1", userId: "user_1", level });

  test.each(["ADMIN", "LEADERSHIP", "TEAM_LEAD"] as const)("%s decides the organization's reviews", (level) => {
    expect(reviewerOf(accessOf(level))).toEqual({
      decidedBy: "user_1",
      actingAs: ["organization"],
      deciderIds: ["user_1", "sub_1"],
    });
    expect(accessOf(level).visibility).toEqual({ kind: "all" });
  });

  test.each(["STAFF", "FREELANCER"] as const)("%s decides no review", (level) => {
    expect(() => reviewerOf(accessOf(level))).toThrow("forbidden");
  });

  test("a freelancer sees what either of his ids submitted", () => {
    expect(accessOf("FREELANCER").visibility).toEqual({ kind: "own", userIds: ["user_1", "sub_1"] });
    expect(accessOf("STAFF").visibility).toEqual({ kind: "all" });
  });

  test("a caller's idempotency keys stay his while his row cannot be read, and when a key acts in his name", () => {
    const withRow = accessOf("STAFF").keyOwner;
    const withoutRow = { kind: "user", organizationId: "org_1", subject: "sub_1", userId: null } as const;
    const acting = {
      kind: "key",
      organizationId: "org_1",
      keyId: "key_1",
      requestsPerHour: 1,
      level: "STAFF",
    } as const;
    const scopes = new Set<never>();
    const user = { userId: "user_1", subject: "sub_1" };
    expect(tenantAccess({ ...withoutRow, level: "FREELANCER" }).keyOwner).toBe(withRow);
    expect(tenantAccess({ ...acting, scopes, actingUser: user }).keyOwner).toBe(withRow);
    expect(tenantAccess({ ...acting, scopes, actingUser: null }).keyOwner).not.toBe(withRow);
  });

  test("a caller without a row submits under his token's subject", () => {
    const access = tenantAccess({
      kind: "user",
      organizationId: "org_1",
      subject: "sub_1",
      userId: null,
      level: "FREELANCER",
    });
    expect(access).toMatchObject({
      createdById: "sub_1",
      submitterLevel: "FREELANCER",
      visibility: { kind: "own", userIds: ["sub_1"] },
    });
  });

  test("a platform administrator chooses the organization and may stand for both approvers", () => {
    const root = { kind: "platform", name: "root" } as const;
    expect(reviewerOf(tenantAccess({ ...root, organizationId: "org_1" }))).toEqual({
      decidedBy: "root",
      actingAs: ["organization", "platform"],
      deciderIds: [],
    });
    expect(() => tenantAccess({ ...root, organizationId: null })).toThrow("X-Organization-Id");
    expect(platformAdministrator({ ...root, organizationId: null }).name).toBe("root");
  });

  test("no user is a platform administrator", () => {
    const user = { kind: "user", organizationId: "org_1", subject: "s", userId: "u", level: "ADMIN" } as const;
    expect(() => platformAdministrator(user)).toThrow("forbidden");
  });
});

test("an administrator is known by his token's hash alone", () => {
  const sha256 = "2cff60a244379d429c1877c36ee7f37da39ad06073d31b8d90fccd15376f2adf";
  const admins = [
    { name: "first", sha256: "0".repeat(64) },
    { name: "root", sha256 },
  ];
  expect(administratorOf("root-token", admins)?.name).toBe("root");
  expect(administratorOf(sha256, admins)).toBeNull();
  expect(administratorOf("", admins)).toBeNull();
});

describe("the look-up cache", () => {
  function world() {
    const state = { nowMs: 1_000_000, reads: 0, answer: (): Promise<IdentityRow | null> => Promise.resolve(row()) };
    const read = () => {
      state.reads += 1;
      return state.answer();
    };
    const clock = { nowMs: () => state.nowMs };
    const log = createLogger({}, () => undefined);
    const cache = new LookupCache<IdentityRow>(read, { clock, log, subject: "identity", lookupMaxMs: 10 });
    return { state, cache };
  }
  const refused = (): Promise<never> => Promise.reject(new Error("connection refused"));

  test("reads a row once in 60 s", async () => {
    const { state, cache } = world();
    await cache.find("sub_1");
    state.nowMs += 59_999;
    await cache.find("sub_1");
    expect(state.reads).toBe(1);
    state.nowMs += 1;
    await cache.find("sub_1");
    expect(state.reads).toBe(2);
  });

  test("takes over a change after 60 s", async () => {
    const { state, cache } = world();
    await cache.find("sub_1");
    state.answer = () => Promise.resolve(row({ isActive: false }));
    state.nowMs += 60_000;
    await expect(cache.find("sub_1")).resolves.toMatchObject({ kind: "known", row: { isActive: false } });
  });

  test("serves a stale row for 15 min while Postgres is unreachable, and no longer", async () => {
    const { state, cache } = world();
    await cache.find("sub_1");
    state.answer = refused;
    state.nowMs += 15 * 60_000 - 1;
    await expect(cache.find("sub_1")).resolves.toEqual({ kind: "known", row: row() });
    state.nowMs += 1;
    await expect(cache.find("sub_1")).resolves.toEqual({ kind: "unreachable" });
  });

  test("leaves an unreachable Postgres alone for a while, then asks again", async () => {
    const { state, cache } = world();
    state.answer = refused;
    await cache.find("sub_1");
    await cache.find("sub_2");
    expect(state.reads).toBe(1);
    state.answer = () => Promise.resolve(row());
    state.nowMs += 5_000;
    await expect(cache.find("sub_2")).resolves.toEqual({ kind: "known", row: row() });
  });

  test("a Postgres that never answers is unreachable", async () => {
    const { state, cache } = world();
    state.answer = () => new Promise(() => undefined);
    await expect(cache.find("sub_1")).resolves.toEqual({ kind: "unreachable" });
  });

  test("keeps one subject's row from another", async () => {
    const { state, cache } = world();
    await cache.find("sub_1");
    state.answer = () => Promise.resolve(null);
    await expect(cache.find("sub_2")).resolves.toEqual({ kind: "known", row: null });
  });

  test("keys without a row push no known row out", async () => {
    const { state, cache } = world();
    await cache.find("sub_1");
    state.answer = () => Promise.resolve(null);
    for (let made = 0; made < 10_001; made += 1) await cache.find(`made-up ${made}`);
    state.reads = 0;
    await expect(cache.find("sub_1")).resolves.toEqual({ kind: "known", row: row() });
    expect(state.reads).toBe(0);
  });

  test("a key that gets a row is no longer without one", async () => {
    const { state, cache } = world();
    state.answer = () => Promise.resolve(null);
    await cache.find("sub_1");
    state.answer = () => Promise.resolve(row());
    state.nowMs += 60_000;
    await cache.find("sub_1");
    await expect(cache.find("sub_1")).resolves.toEqual({ kind: "known", row: row() });
  });
});
