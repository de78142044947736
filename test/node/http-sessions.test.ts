import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { auditListSchema, sessionListSchema, sessionViewSchema } from "../../src/contracts/http-access.ts";
import type { AppPorts } from "../../src/http/ports.ts";
import { adminToken, bearer, EdgeFixture, startMs, switchRecord } from "./http-fixture.ts";

const origin = "https://agents.example";
const path = `${origin}/api/agents/admin/session`;
const hourMs = 3_600_000;

function signInRequest(token: string, headers: Record<string, string> = { origin }): RequestInit {
  const body = JSON.stringify({ token });
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
}

/** The cookie as the browser sends it back. */
function cookieOf(response: Response): Record<string, string> {
  return { cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "" };
}

async function signedIn(overrides: Partial<AppPorts> = {}) {
  const fixture = new EdgeFixture();
  const app = fixture.app(overrides);
  const response = await app.request(path, signInRequest(adminToken));
  const cookie = cookieOf(response);
  const ask = (method: string, url: string, headers: Record<string, string> = {}) =>
    app.request(`${origin}/api/agents${url}`, { method, headers: { ...cookie, ...headers } });
  return { fixture, app, response, cookie, ask };
}

describe("signing in", () => {
  test("gives the browser a cookie that no script reads and no other site sends, for eight hours", async () => {
    const { fixture, response } = await signedIn();
    expect(response.status).toBe(201);
    const expiresAtMs = startMs + 8 * hourMs;
    expect(sessionViewSchema.parse(await response.json())).toEqual({
      name: "root",
      expiresAt: new Date(expiresAtMs).toISOString(),
    });
    const [value = "", ...attributes] = (response.headers.get("set-cookie") ?? "").split("; ");
    expect(value).toMatch(/^__Host-agents-session=.{60,}$/u);
    expect(attributes.sort()).toEqual(["HttpOnly", "Max-Age=28800", "Path=/", "SameSite=Strict", "Secure"]);
    const [secret = ""] = decodeURIComponent(value.split("=").slice(1).join("=")).split(".");
    expect([...fixture.sessions]).toEqual([
      [createHash("sha256").update(secret).digest("hex"), expect.objectContaining({ name: "root", expiresAtMs })],
    ]);
  });

  test.each([
    ["a wrong token", signInRequest("wrong"), 401],
    ["a user's token", signInRequest("user.someone"), 401],
    ["no token", { method: "POST", headers: { "content-type": "application/json", origin }, body: "{}" }, 422],
    ["a token that is too long", signInRequest("x".repeat(8_193)), 422],
    ["a page of another origin", signInRequest(adminToken, { origin: "https://evil.example" }), 403],
    ["a page without an origin", signInRequest(adminToken, { origin: "null" }), 403],
    ["a form", { method: "POST", headers: { origin }, body: new URLSearchParams({ token: adminToken }) }, 415],
  ])("is refused to %s", async (_name, request, status) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request(path, request);
    expect(response.status).toBe(status);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(fixture.calls).toEqual([]);
  });
});

describe("a session", () => {
  test("stands for its administrator, for an organization too", async () => {
    const { fixture, ask } = await signedIn();
    expect(await (await ask("GET", "/admin/session")).json()).toMatchObject({ name: "root" });
    expect((await ask("GET", "/admin/switches")).status).toBe(200);
    const response = await ask("GET", "", { "x-organization-id": fixture.organizationId });
    expect(response.status).toBe(200);
    expect(fixture.callsOf("listUnprojected")).toMatchObject([{ organizationId: fixture.organizationId }]);
  });

  test("ends when its administrator signs out, and the browser forgets it", async () => {
    const { fixture, ask } = await signedIn();
    const response = await ask("DELETE", "/admin/session", { origin });
    expect(response.status).toBe(204);
    expect(response.headers.get("set-cookie")).toMatch(/^__Host-agents-session=; Max-Age=0; Path=\/; Secure/u);
    expect((await ask("GET", "/admin/session")).status).toBe(401);
    expect(fixture.callsOf("endSession")).toMatchObject([{ argument: { actor: { kind: "platform", name: "root" } } }]);
  });

  test("ends after eight hours", async () => {
    const { fixture, ask } = await signedIn();
    fixture.nowMs += 8 * hourMs - 1;
    expect((await ask("GET", "/admin/session")).status).toBe(200);
    fixture.nowMs += 1;
    expect((await ask("GET", "/admin/session")).status).toBe(401);
  });

  test("ends when another administrator ends it, at once", async () => {
    const { app, ask } = await signedIn();
    const list = await app.request(`${path}s`, { headers: bearer(adminToken) });
    const [session] = sessionListSchema.parse(await list.json()).items;
    expect(session).toMatchObject({ name: "root" });
    const end = () => app.request(`${path}s/${session?.id}`, { method: "DELETE", headers: bearer(adminToken) });
    expect((await end()).status).toBe(204);
    expect((await ask("GET", "/admin/session")).status).toBe(401);
    expect((await end()).status).toBe(404);
  });

  test("ends when the token that opened it is no administrator's any more", async () => {
    const { fixture, cookie } = await signedIn();
    const others = [{ name: "root", sha256: "0".repeat(64) }];
    const response = await fixture.app({ adminTokens: others }).request(path, { headers: cookie });
    expect(response.status).toBe(401);
  });

  test("is none with a cookie that was made up or changed, and nothing is asked to know that", async () => {
    const { fixture, app, cookie } = await signedIn();
    fixture.calls.length = 0;
    const [name = "", value = ""] = (cookie["cookie"] ?? "").split(/=(.*)/u);
    const changed = value.startsWith("A") ? `B${value.slice(1)}` : `A${value.slice(1)}`;
    for (const forged of [`${name}=x`, `${name}=${changed}`, `agents-session=${value}`, `${name}=${"A".repeat(43)}`]) {
      expect((await app.request(path, { headers: { cookie: forged } })).status).toBe(401);
    }
    expect(fixture.calls).toEqual([]);
  });

  test("counts for nothing beside another credential", async () => {
    const { ask } = await signedIn();
    expect((await ask("GET", "/admin/session", bearer("forged"))).status).toBe(401);
  });
});

describe("what a cookie authenticates", () => {
  const requests = [
    ["POST", "/admin/switches"],
    ["DELETE", "/admin/session"],
    ["PUT", "/admin/organizations/org_1"],
    ["POST", "/admin"],
  ] as const;

  test.each(requests)("changes nothing by %s %s from another page", async (method, url) => {
    const { fixture, ask } = await signedIn();
    for (const headers of [{}, { origin: "https://evil.example" }, { origin: "null" }, { origin: `${origin}.evil` }]) {
      expect((await ask(method, url, headers)).status).toBe(403);
    }
    expect(fixture.sessions.size).toBe(1);
  });

  test("opens no socket from another page", async () => {
    const { fixture, ask } = await signedIn();
    for (const headers of [{}, { origin: "https://evil.example" }]) {
      expect((await ask("GET", "/admin/live", { upgrade: "websocket", ...headers })).status).toBe(403);
    }
    expect(fixture.upgrades).toEqual([]);
    await ask("GET", "/admin/live", { upgrade: "websocket", origin });
    expect(fixture.upgrades).toHaveLength(1);
    expect([...new Headers(fixture.upgrades[0]?.headers).keys()]).toEqual(["upgrade"]);
  });

  test("works from the Worker's own pages", async () => {
    const { ask } = await signedIn();
    expect((await ask("POST", "/admin/switches", { origin })).status).not.toBe(403);
  });
});

describe("the audit", () => {
  const who = { kind: "platform", name: "root" } as const;
  const change = { actor: who, scope: { kind: "platform" }, settings: null, sessionId: null } as const;
  const read = async (fixture: EdgeFixture, query: string, headers: Record<string, string> = {}) => {
    const url = `/api/agents/admin/audit${query}`;
    const response = await fixture.app().request(url, { headers: bearer(adminToken, headers) });
    expect(response.status).toBe(200);
    return auditListSchema.parse(await response.json());
  };

  test("tells what operators changed, page by page", async () => {
    const fixture = new EdgeFixture();
    const subject = switchRecord();
    const set = { ...change, atMs: startMs, action: "switch.set", reason: "x", subject } as const;
    fixture.audit = [
      { ...set, number: 3 },
      { ...set, number: 2 },
      { ...set, number: 1 },
    ];
    const first = await read(fixture, "?limit=2");
    expect(first.items).toMatchObject([{ number: 3, subject: { id: subject.id }, decision: null }, { number: 2 }]);
    expect(first.nextCursor).toBe("2");
    const second = await read(fixture, `?limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map(({ number }) => number)).toEqual([1]);
    expect(second.nextCursor).toBeNull();
  });

  test("tells what an organization's limits were and are", async () => {
    const fixture = new EdgeFixture();
    const { organizationId } = fixture;
    const limitOverrides = { limits: { issuesPerHour: 5 }, expiresAtMs: startMs };
    const before = { organizationId, tier: null, slug: null, repository: null, limitOverrides };
    const settings = { now: { ...before, tier: "pro" as const }, before };
    const entry = {
      ...change,
      number: 1,
      atMs: startMs,
      action: "organization.set",
      reason: null,
      subject: null,
    } as const;
    fixture.audit = [{ ...entry, settings }];
    expect((await read(fixture, "")).items).toMatchObject([
      {
        action: "organization.set",
        settings: {
          now: { tier: "pro" },
          before: {
            tier: null,
            limitOverrides: { limits: { issuesPerHour: 5 }, expiresAt: "2026-11-22T00:00:00.000Z" },
          },
        },
      },
    ]);
  });

  test("tells with an organization named what was decided there, and nothing of the platform", async () => {
    const fixture = new EdgeFixture();
    const { organizationId } = fixture;
    const decided = {
      number: 4,
      atMs: startMs,
      actor: "user_1",
      reason: "A duplicate.",
      issueId: "iss_1",
      reviewId: null,
    };
    fixture.decisions = [{ ...decided, action: "issue.commanded", outcome: "cancel" }];
    const { items } = await read(fixture, "", { "x-organization-id": organizationId });
    expect(items).toMatchObject([
      {
        action: "issue.commanded",
        scope: { kind: "organization", value: organizationId },
        actor: { kind: "person", name: "user_1" },
        reason: "A duplicate.",
        decision: { outcome: "cancel", issueId: "iss_1", reviewId: null },
      },
    ]);
    expect(fixture.callsOf("readAudit")).toEqual([]);
    expect(fixture.callsOf("readDecisions")).toMatchObject([{ organizationId, argument: { organizationId } }]);
  });
});
