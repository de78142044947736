import { describe, expect, test } from "vitest";
import { problemSchema } from "../../src/contracts/http-views.ts";
import {
  bearer,
  detailOf,
  EdgeFixture,
  issueRecord,
  jsonRequest,
  reviewRecord,
  validSubmission,
} from "./http-fixture.ts";

const everyScope = ["agents:read", "agents:write", "agents:review"];
const actingFor = (userId: string) => ({ "x-acting-user-id": userId });

/** The `users.id` behind a user's token. */
function userIdOf(fixture: EdgeFixture, token: string): string {
  return fixture.rows.get(token.split(".")[1] ?? "")?.userId ?? "";
}

describe("an ERP API key", () => {
  test("submits for its organization, as STAFF and in nobody's name", async () => {
    const fixture = new EdgeFixture();
    const response = await fixture
      .app()
      .request("/api/agents", jsonRequest(fixture.key(["agents:write"]), validSubmission));
    expect(response.status).toBe(202);
    expect(fixture.callsOf("submit")).toMatchObject([
      { organizationId: fixture.organizationId, argument: { submitterLevel: "STAFF", createdById: null } },
    ]);
  });

  test("submits in the name of the user that it acts for, at the lower of both levels", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const key = fixture.key(["agents:write"]);
    const [lead, freelancer] = [fixture.user("LEADERSHIP"), fixture.user("FREELANCER")].map((token) =>
      userIdOf(fixture, token),
    );
    for (const userId of [lead ?? "", freelancer ?? ""]) {
      expect((await app.request("/api/agents", jsonRequest(key, validSubmission, actingFor(userId)))).status).toBe(202);
    }
    expect(fixture.callsOf("submit").map((call) => call.argument)).toMatchObject([
      { submitterLevel: "STAFF", createdById: lead },
      { submitterLevel: "FREELANCER", createdById: freelancer },
    ]);
  });

  test("sees only the issues of a freelancer that it acts for", async () => {
    const fixture = new EdgeFixture();
    const userId = userIdOf(fixture, fixture.user("FREELANCER"));
    await fixture.app().request("/api/agents", { headers: bearer(fixture.key(everyScope), actingFor(userId)) });
    expect(fixture.callsOf("listUnprojected")).toMatchObject([
      { argument: { visibility: { kind: "own", userIds: [userId, expect.any(String)] } } },
    ]);
  });

  test.each([
    ["GET", "", "agents:read"],
    ["POST", "", "agents:write"],
    ["POST", `/${issueRecord("x").id}/cancel`, "agents:write"],
    ["POST", `/reviews/${reviewRecord().id}`, "agents:review"],
  ] as const)("uses %s /api/agents%s with %s alone, and not with the others", async (method, path, scope) => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const userId = userIdOf(fixture, fixture.user("ADMIN"));
    const ask = async (scopes: readonly string[]) => {
      const headers = bearer(fixture.key(scopes), actingFor(userId));
      return (await app.request(`/api/agents${path}`, { method, headers })).status;
    };
    expect(await ask([scope])).not.toBe(403);
    expect(await ask(everyScope.filter((other) => other !== scope))).toBe(403);
  });

  test("decides a review for a reviewer, and none in nobody's name", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const key = fixture.key(everyScope);
    const path = `/api/agents/reviews/${reviewRecord().id}`;
    const decision = { decision: "approve", contentHash: "a".repeat(64) };
    expect((await app.request(path, jsonRequest(key, decision))).status).toBe(403);
    expect(fixture.callsOf("decideReview")).toEqual([]);
    const userId = userIdOf(fixture, fixture.user("TEAM_LEAD"));
    expect((await app.request(path, jsonRequest(key, decision, actingFor(userId)))).status).toBe(200);
    expect(fixture.callsOf("decideReview")).toMatchObject([
      { argument: { decidedBy: userId, actingAs: ["organization"] } },
    ]);
  });

  test("administers nothing, even for an administrator with every scope", async () => {
    const fixture = new EdgeFixture();
    const userId = userIdOf(fixture, fixture.user("ADMIN"));
    const order = { action: "pause", scope: { kind: "organization" }, reason: "Maintenance." };
    const request = jsonRequest(fixture.key(everyScope), order, actingFor(userId));
    expect((await fixture.app().request("/api/agents/admin", request)).status).toBe(403);
  });

  test("commands everything of its organization with the review scope, without it nothing that it did not submit", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const issue = issueRecord(fixture.organizationId);
    fixture.live.set(issue.id, detailOf(issue));
    for (const scopes of [["agents:write"], everyScope]) {
      await app.request(`/api/agents/${issue.id}/cancel`, { method: "POST", headers: bearer(fixture.key(scopes)) });
    }
    expect(fixture.callsOf("commandIssue").map((call) => call.argument)).toMatchObject([
      { authority: { kind: "own", userIds: [] }, actor: expect.stringMatching(/^key:key_/u) as unknown },
      { authority: { kind: "all" } },
    ]);
  });
});

describe("an ERP API key is refused", () => {
  test.each([
    ["unknown", () => bearer(new EdgeFixture().key(everyScope)), 401],
    ["switched off or revoked", (fixture: EdgeFixture) => bearer(fixture.key(everyScope, { isActive: false })), 401],
    ["expired", (fixture: EdgeFixture) => bearer(fixture.key(everyScope, { expiresAtMs: fixture.nowMs })), 401],
    ["without a scope of ours", (fixture: EdgeFixture) => bearer(fixture.key(["briefs:read"])), 403],
    ["for an unknown user", (fixture: EdgeFixture) => bearer(fixture.key(everyScope), actingFor("nobody")), 403],
    ["for what is no id", (fixture: EdgeFixture) => bearer(fixture.key(everyScope), actingFor("a:b")), 403],
    [
      "for a user who is not active",
      (fixture: EdgeFixture) => {
        const userId = userIdOf(fixture, fixture.user("ADMIN", { isActive: false }));
        return bearer(fixture.key(everyScope), actingFor(userId));
      },
      403,
    ],
    [
      "for a user of another organization",
      (fixture: EdgeFixture) => {
        const userId = userIdOf(fixture, fixture.user("ADMIN", { organizationId: "org_other" }));
        return bearer(fixture.key(everyScope), actingFor(userId));
      },
      403,
    ],
    [
      "for a client",
      (fixture: EdgeFixture) => bearer(fixture.key(everyScope), actingFor(userIdOf(fixture, fixture.user("CLIENT")))),
      403,
    ],
  ])("when it is %s", async (_name, headersOf, status) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents", { headers: headersOf(fixture) });
    expect(response.status).toBe(status);
    expect(fixture.calls).toEqual([]);
  });

  test("without a look-up when its form is another", async () => {
    const fixture = new EdgeFixture();
    const key = fixture.key(everyScope);
    for (const text of [`${key}A`, key.slice(0, -1), `sk_live_${"=".repeat(43)}`]) {
      expect((await fixture.app().request("/api/agents", { headers: bearer(text) })).status).toBe(401);
    }
    expect(fixture.identityReads).toEqual([]);
  });

  test("when its hour is full, before anything is asked in its name", async () => {
    const fixture = new EdgeFixture();
    const failure = { code: "key_rate_limited", detail: "Its hour is full.", retryAfterSeconds: 17 } as const;
    fixture.keyAnswer = { ok: false, failure };
    const key = fixture.key(everyScope, { requestsPerHour: 5 });
    const response = await fixture.app().request("/api/agents", jsonRequest(key, validSubmission));
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("17");
    expect(problemSchema.parse(await response.json()).code).toBe("key_rate_limited");
    expect(fixture.calls.map((call) => call.method)).toEqual(["countKeyRequest"]);
    expect(fixture.calls).toMatchObject([{ argument: { organizationId: fixture.organizationId, requestsPerHour: 5 } }]);
  });

  test("while Postgres is unreachable and it is not known, and let in for 15 min when it is", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const [known, unknown] = [fixture.key(everyScope), fixture.key(everyScope)];
    const ask = async (key: string) => (await app.request("/api/agents", { headers: bearer(key) })).status;
    expect(await ask(known)).toBe(200);
    fixture.isPostgresUp = false;
    fixture.nowMs += 15 * 60_000 - 1;
    expect(await ask(known)).toBe(200);
    expect(await ask(unknown)).toBe(503);
    fixture.nowMs += 1;
    expect(await ask(known)).toBe(503);
  });

  test("as soon as it expires, whatever the cache holds", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const key = fixture.key(everyScope, { expiresAtMs: fixture.nowMs + 1_000 });
    expect((await app.request("/api/agents", { headers: bearer(key) })).status).toBe(200);
    fixture.nowMs += 1_000;
    expect((await app.request("/api/agents", { headers: bearer(key) })).status).toBe(401);
  });
});
