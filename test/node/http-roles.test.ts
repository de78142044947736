import { describe, expect, test } from "vitest";
import type { Caller, KeyScope } from "../../src/contracts/caller.ts";
import type { PermissionLevel } from "../../src/contracts/records.ts";
import { type RouteAccess, routeAccess, routeRefusal } from "../../src/http/route-access.ts";
import { adminToken, bearer, EdgeFixture } from "./http-fixture.ts";

const levels: readonly PermissionLevel[] = ["ADMIN", "LEADERSHIP", "TEAM_LEAD", "STAFF", "FREELANCER", "CLIENT"];
const user = (level: PermissionLevel): Caller => ({
  kind: "user",
  organizationId: "org_1",
  subject: "sub_1",
  userId: "user_1",
  level,
});
const key = (level: PermissionLevel, ...scopes: readonly KeyScope[]): Caller => ({
  kind: "key",
  organizationId: "org_1",
  keyId: "key_1",
  scopes: new Set(scopes),
  requestsPerHour: 1_000,
  actingUser: null,
  level,
});
const root: Caller = { kind: "platform", name: "root", organizationId: null };
const accessOf = (route: string): RouteAccess | undefined => routeAccess.get(route);
const mayUse = (route: string, caller: Caller): boolean => routeRefusal(accessOf(route), caller) === null;

/** The routes that the application really serves: middleware registers for all methods. */
const served = [
  ...new Set(
    new EdgeFixture()
      .app()
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`),
  ),
];

describe("the table of routes", () => {
  test("names every route that is served, and no other (src/http/route-access.ts)", () => {
    expect(served.length).toBeGreaterThan(20);
    expect([...routeAccess.keys()].sort()).toEqual(served.sort());
  });

  test.each([
    ["POST /api/agents", levels.slice(0, 5)],
    ["GET /api/agents/:id", levels.slice(0, 5)],
    ["GET /api/agents/reviews", levels.slice(0, 4)],
    ["GET /api/agents/quota", levels.slice(0, 4)],
    ["POST /api/agents/reviews/:id", levels.slice(0, 3)],
    ["POST /api/agents/admin", levels.slice(0, 1)],
    ["GET /api/agents/admin/audit", []],
    ["PUT /api/agents/admin/organizations/:id", []],
  ] as const)("lets use %s: %j", (route, allowed) => {
    expect(levels.filter((level) => mayUse(route, user(level)))).toEqual(allowed);
    expect(mayUse(route, root)).toBe(true);
  });

  test("gives a key what both its scope and its level allow", () => {
    expect(mayUse("POST /api/agents/reviews/:id", key("LEADERSHIP", "agents:review"))).toBe(true);
    expect(mayUse("POST /api/agents/reviews/:id", key("STAFF", "agents:review"))).toBe(false);
    expect(mayUse("POST /api/agents/reviews/:id", key("LEADERSHIP", "agents:read", "agents:write"))).toBe(false);
    expect(mayUse("POST /api/agents/admin", key("ADMIN", "agents:read", "agents:write", "agents:review"))).toBe(false);
  });

  test("lets a claim without a row submit and read, and do nothing else", () => {
    const claimed: Caller = {
      kind: "user",
      organizationId: "org_1",
      subject: "sub_1",
      userId: null,
      level: "FREELANCER",
    };
    const codeOf = (route: string) => routeRefusal(accessOf(route), claimed)?.code ?? null;
    for (const route of ["POST /api/agents", "GET /api/agents", "GET /api/agents/:id/steps", "GET /api/agents/live"]) {
      expect([route, codeOf(route)]).toEqual([route, null]);
    }
    for (const command of ["cancel", "pause", "resume", "retry"]) {
      expect(codeOf(`POST /api/agents/:id/${command}`)).toBe("unavailable");
    }
    expect(codeOf("GET /api/agents/reviews")).toBe("forbidden");
  });

  test("refuses a route that it does not name, to everyone", () => {
    for (const caller of [...levels.map(user), key("ADMIN", "agents:read"), root]) {
      expect(routeRefusal(undefined, caller)).toMatchObject({ code: "forbidden" });
    }
  });
});

describe("the middleware", () => {
  const path = (route: string): string => route.replace(":id", "x").split(" ")[1] ?? "";

  test.each(served.filter((route) => accessOf(route)?.kind !== "public"))("asks the table for %s", async (route) => {
    const [method = ""] = route.split(" ");
    for (const level of levels) {
      const fixture = new EdgeFixture();
      const response = await fixture.app().request(path(route), { method, headers: bearer(fixture.user(level)) });
      const isRefused = response.status === 403;
      const reached = isRefused ? fixture.calls.length : 0;
      expect([level, isRefused, reached]).toEqual([level, level === "CLIENT" || !mayUse(route, user(level)), 0]);
    }
  });

  test("serves a HEAD request like its GET", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const ask = async (token: string) =>
      (await app.request("/api/agents/reviews", { method: "HEAD", headers: bearer(token) })).status;
    expect(await ask(fixture.user("STAFF"))).toBe(200);
    expect(await ask(fixture.user("FREELANCER"))).toBe(403);
  });

  test("leaves what nothing serves to be not found", async () => {
    const response = await new EdgeFixture().app().request("/api/agents/x/nowhere", { headers: bearer(adminToken) });
    expect(response.status).toBe(404);
  });
});
