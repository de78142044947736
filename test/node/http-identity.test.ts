import { describe, expect, test } from "vitest";
import type { IdentityRow, TokenClaims } from "../../src/contracts/caller.ts";
import type { PermissionLevel } from "../../src/contracts/records.ts";
import { createLogger } from "../../src/core/log.ts";
import { administratorName } from "../../src/http/admin-tokens.ts";
import { decideCaller, IdentityCache } from "../../src/http/identity.ts";
import { platformAdministrator, reviewerOf, tenantAccess } from "../../src/http/permissions.ts";

const row = (changes: Partial<IdentityRow> = {}): IdentityRow => ({
  userId: "user_1",
  organizationId: "org_1",
  isActive: true,
  level: "STAFF",
  ...changes,
});
const claims = (organizationId: string | null = null): TokenClaims => ({ subject: "sub_1", organizationId });
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
  expect(administratorName("root-token", admins)).toBe("root");
  expect(administratorName(sha256, admins)).toBeNull();
  expect(administratorName("", admins)).toBeNull();
});

describe("identity cache", () => {
  function world() {
    const state = { nowMs: 1_000_000, reads: 0, answer: (): Promise<IdentityRow | null> => Promise.resolve(row()) };
    const identities = {
      findBySubject: () => {
        state.reads += 1;
        return state.answer();
      },
    };
    const clock = { nowMs: () => state.nowMs };
    const cache = new IdentityCache(identities, { clock, log: createLogger({}, () => undefined), lookupMaxMs: 10 });
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
});
