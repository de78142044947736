import { describe, expect, test } from "vitest";
import {
  healthSchema,
  organizationViewSchema,
  platformLogListSchema,
  quotaSchema,
  reviewDetailViewSchema,
  reviewListSchema,
  reviewViewSchema,
  versionSchema,
} from "../../src/contracts/http-views.ts";
import { reviewRecordSchema } from "../../src/contracts/records.ts";
import { liveViewerHeader } from "../../src/contracts/live-viewer.ts";
import { limitsByTier, sealTerms } from "../../src/contracts/terms.ts";
import { newId } from "../../src/core/ids.ts";
import { adminToken, bearer, EdgeFixture, issueRecord, jsonRequest, reviewRecord, startMs } from "./http-fixture.ts";

describe("reviews", () => {
  const approval = { decision: "approve", note: "Looks right.", contentHash: "a".repeat(64) };

  function withReview(fixture: EdgeFixture): string {
    const issue = issueRecord(fixture.organizationId);
    const id = newId("artifact", startMs);
    const artifact = {
      id,
      jobId: newId("job", startMs),
      issueId: issue.id,
      type: "CODE_CHANGE",
      name: "Fix",
      contentBodyId: "body_1",
      filePath: null,
      diffPatchBodyId: "body_2",
      metadata: {},
      createdAtMs: startMs,
    } as const;
    const review = reviewRecord({ issueId: issue.id, artifactId: id });
    fixture.reviews.set(review.id, { review, issue, artifact: { artifact, content: "why", diffPatch: "--- a" } });
    return review.id;
  }

  test("are listed and read with the change they are about", async () => {
    const fixture = new EdgeFixture();
    const id = withReview(fixture);
    const app = fixture.app();
    const headers = bearer(fixture.user("STAFF"));
    const list = await app.request("/api/agents/reviews?status=OPEN", { headers });
    expect(reviewListSchema.parse(await list.json()).items).toMatchObject([{ id, status: "OPEN" }]);
    expect(fixture.callsOf("listUnprojectedReviews")).toMatchObject([
      { argument: { status: ["OPEN"], before: null, limit: 21 } },
    ]);
    const one = await app.request(`/api/agents/reviews/${id}`, { headers });
    const detail = reviewDetailViewSchema.parse(await one.json());
    expect(detail).toMatchObject({ id, artifact: { diffPatch: "--- a", content: "why" } });
  });

  test("are listed whole: the object's over those that Postgres holds, and only its own without Postgres", async () => {
    const fixture = new EdgeFixture();
    const id = withReview(fixture);
    const live = fixture.reviews.get(id)?.review;
    const old = { ...live, id: newId("review", startMs - 1), createdAtMs: startMs - 1, status: "REJECTED" } as const;
    fixture.storedReviews = [reviewRecordSchema.parse({ ...live, status: "EXPIRED" }), reviewRecordSchema.parse(old)];
    const app = fixture.app();
    const headers = bearer(fixture.user("STAFF"));
    const list = async (query = "") =>
      reviewListSchema.parse(await (await app.request(`/api/agents/reviews${query}`, { headers })).json());
    expect(await list()).toMatchObject({
      items: [
        { id, status: "OPEN" },
        { id: old.id, status: "REJECTED" },
      ],
      nextCursor: null,
      partial: false,
    });
    expect(await list("?limit=1")).toMatchObject({ items: [{ id }], nextCursor: `${startMs.toString(36)}.${id}` });
    fixture.isPostgresUp = false;
    expect(await list()).toMatchObject({ items: [{ id }], partial: true });
  });

  test("are not a freelancer's to read, and an unknown one is not found", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const freelancer = bearer(fixture.user("FREELANCER"));
    expect((await app.request("/api/agents/reviews", { headers: freelancer })).status).toBe(403);
    const reader = bearer(fixture.user("STAFF"));
    for (const id of [newId("review", startMs), "nothing"]) {
      expect((await app.request(`/api/agents/reviews/${id}`, { headers: reader })).status).toBe(404);
    }
  });

  test("are decided by a reviewer in his own name", async () => {
    const fixture = new EdgeFixture();
    const id = withReview(fixture);
    const token = fixture.user("TEAM_LEAD", { userId: "user_lead" });
    const response = await fixture.app().request(`/api/agents/reviews/${id}`, jsonRequest(token, approval));
    expect(reviewViewSchema.parse(await response.json()).status).toBe("APPROVED");
    expect(fixture.callsOf("decideReview").map((call) => call.argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        reviewId: id,
        ...approval,
        decidedBy: "user_lead",
        actingAs: ["organization"],
        deciderIds: ["user_lead", token.split(".")[1]],
      },
    ]);
  });

  test("are decided by a platform administrator for either approver", async () => {
    const fixture = new EdgeFixture();
    const id = withReview(fixture);
    const request = jsonRequest(adminToken, approval, { "x-organization-id": fixture.organizationId });
    expect((await fixture.app().request(`/api/agents/reviews/${id}`, request)).status).toBe(200);
    expect(fixture.callsOf("decideReview")).toMatchObject([
      { argument: { decidedBy: "root", actingAs: ["organization", "platform"], deciderIds: [] } },
    ]);
  });

  test.each(["STAFF", "FREELANCER"] as const)("are not decided by %s", async (level) => {
    const fixture = new EdgeFixture();
    const request = jsonRequest(fixture.user(level), approval);
    expect((await fixture.app().request(`/api/agents/reviews/${withReview(fixture)}`, request)).status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });

  test.each([
    ["another decision", { ...approval, decision: "merge" }],
    ["no hash", { decision: "approve" }],
    ["a wish for changes that names none", { ...approval, decision: "request_changes", note: null }],
    ["a wish for changes without words", { ...approval, decision: "request_changes", note: " " }],
    ["a hash of another form", { ...approval, contentHash: "A".repeat(64) }],
    ["someone else's name", { ...approval, decidedBy: "user_boss" }],
  ])("with %s are refused", async (_name, body) => {
    const fixture = new EdgeFixture();
    const request = jsonRequest(fixture.user("ADMIN"), body);
    expect((await fixture.app().request(`/api/agents/reviews/${withReview(fixture)}`, request)).status).toBe(422);
    expect(fixture.calls).toEqual([]);
  });

  test("a conflict is told as one", async () => {
    const fixture = new EdgeFixture();
    fixture.decideAnswer = { ok: false, failure: { code: "conflict", detail: "The change is another one now." } };
    const request = jsonRequest(fixture.user("ADMIN"), approval);
    expect((await fixture.app().request(`/api/agents/reviews/${withReview(fixture)}`, request)).status).toBe(409);
  });
});

describe("the live stream", () => {
  const handshake = {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "k",
    "sec-websocket-version": "13",
  };

  test("is handed to the caller's organization with what he may see, and without what he forged", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("FREELANCER", { userId: "user_7" });
    const issueId = newId("issue", startMs);
    const headers = bearer(token, {
      ...handshake,
      [liveViewerHeader]: '{"organizationId":"org_other","visibility":{"kind":"all"},"after":null,"issueId":null}',
      cookie: "session=1",
    });
    await fixture.app().request(`/api/agents/live?after=12&issueId=${issueId}`, { headers });
    expect(fixture.callsOf("openLiveSocket").map((call) => call.argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        person: "user:user_7",
        incarnation: null,
        visibility: { kind: "own", userIds: ["user_7", token.split(".")[1]] },
        closesAtMs: startMs + 24 * 3_600_000,
        ticket: null,
        after: 12,
        issueId,
      },
    ]);
    const forwarded = new Headers(fixture.upgrades[0]?.headers);
    expect([...forwarded.keys()].sort()).toEqual(Object.keys(handshake).sort());
  });

  test("needs an upgrade", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("STAFF"));
    expect((await fixture.app().request("/api/agents/live", { headers })).status).toBe(426);
  });

  test.each(["after=-1", "after=x", "issueId=job_1"])("refuses %s", async (query) => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("STAFF"), handshake);
    expect((await fixture.app().request(`/api/agents/live?${query}`, { headers })).status).toBe(422);
    expect(fixture.calls).toEqual([]);
  });
});

describe("the directory of organizations", () => {
  const put = (body: unknown, token = adminToken): RequestInit => ({ ...jsonRequest(token, body), method: "PUT" });
  const path = (fixture: EdgeFixture): string => `/api/agents/admin/organizations/${fixture.organizationId}`;

  test("is set and read by platform administrators", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const repository = { owner: "agency", name: "erp" };
    expect((await app.request(path(fixture), { headers: bearer(adminToken) })).status).toBe(404);
    const answer = await app.request(path(fixture), put({ tier: "pro", slug: "acme", repository }));
    expect(organizationViewSchema.parse(await answer.json())).toMatchObject({ tier: "pro", slug: "acme", repository });
    expect(fixture.callsOf("putOrganization").map((call) => call.argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        tier: "pro",
        slug: "acme",
        repository,
        limitOverrides: { limits: {}, expiresAtMs: null },
        actor: { kind: "platform", name: "root" },
      },
    ]);
    expect((await app.request(path(fixture), { headers: bearer(adminToken) })).status).toBe(200);
  });

  test("passes given limits on and no others", async () => {
    const fixture = new EdgeFixture();
    await fixture
      .app()
      .request(path(fixture), put({ limitOverrides: { limits: { concurrentJobs: 4, models: ["opus"] } } }));
    expect(fixture.callsOf("putOrganization").map((call) => call.argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        tier: null,
        slug: null,
        repository: null,
        limitOverrides: { limits: { concurrentJobs: 4, models: ["opus"] }, expiresAtMs: null },
        actor: { kind: "platform", name: "root" },
      },
    ]);
  });

  test("passes every limit on that an organization has", async () => {
    const fixture = new EdgeFixture();
    const limits = limitsByTier.enterprise;
    await fixture.app().request(path(fixture), put({ limitOverrides: { limits } }));
    expect(fixture.callsOf("putOrganization")).toMatchObject([{ argument: { limitOverrides: { limits } } }]);
  });

  test("passes the time on until which limits are given, and shows it", async () => {
    const fixture = new EdgeFixture();
    const limitOverrides = { limits: { issuesPerDay: 500 }, expiresAt: "2026-12-01T01:00:00+01:00" };
    const answer = await fixture.app().request(path(fixture), put({ limitOverrides }));
    const expiresAtMs = Date.UTC(2026, 11, 1);
    expect(fixture.callsOf("putOrganization")).toMatchObject([
      { argument: { limitOverrides: { limits: { issuesPerDay: 500 }, expiresAtMs } } },
    ]);
    expect(organizationViewSchema.parse(await answer.json()).limitOverrides).toEqual({
      limits: { issuesPerDay: 500 },
      expiresAt: "2026-12-01T00:00:00.000Z",
    });
  });

  test("is closed to an organization's own administrator", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("ADMIN");
    const app = fixture.app();
    expect((await app.request(path(fixture), put({ tier: "enterprise" }, token))).status).toBe(403);
    expect((await app.request(path(fixture), { headers: bearer(token) })).status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });

  test.each([
    ["a slug that leads elsewhere", { slug: "../other" }],
    ["an unknown tier", { tier: "gold" }],
    ["no concurrency at all", { limitOverrides: { limits: { concurrentJobs: 0 } } }],
    ["fewer issues than none", { limitOverrides: { limits: { issuesPerDay: -1 } } }],
    ["an unknown limit", { limitOverrides: { limits: { budget: 1 } } }],
    ["overrides that are over", { limitOverrides: { limits: {}, expiresAt: "2026-11-22T00:00:00Z" } }],
    ["an expiry that is no time", { limitOverrides: { limits: {}, expiresAt: "tomorrow" } }],
    ["a repository that is a path", { repository: { owner: "a/b", name: "c" } }],
  ])("refuses %s", async (_name, body) => {
    const fixture = new EdgeFixture();
    expect((await fixture.app().request(path(fixture), put(body))).status).toBe(422);
    expect(fixture.calls).toEqual([]);
  });
});

describe("the quota", () => {
  test("shows what the organization's day and month have spent, set aside, and left", async () => {
    const fixture = new EdgeFixture();
    const answer = await fixture.app().request("/api/agents/quota", { headers: bearer(fixture.user("STAFF")) });
    expect(quotaSchema.parse(await answer.json())).toEqual({
      rate: { limit: 100, remaining: 99, resetAt: "2026-11-22T01:00:00.000Z" },
      quota: { limit: 10, remaining: 9, resetAt: "2026-11-23T00:00:00.000Z" },
      concurrency: { limit: 2, running: 1, waiting: 3 },
      budget: {
        day: {
          limitMicroUsd: 1_000,
          committedMicroUsd: 600,
          reservedMicroUsd: 150,
          remainingMicroUsd: 250,
          resetAt: "2026-11-23T00:00:00.000Z",
        },
        month: {
          limitMicroUsd: 500,
          committedMicroUsd: 600,
          reservedMicroUsd: 0,
          remainingMicroUsd: 0,
          resetAt: "2026-12-01T00:00:00.000Z",
        },
      },
    });
    expect(fixture.callsOf("readUsage")).toMatchObject([{ argument: { terms: sealTerms(fixture.terms) } }]);
    expect(fixture.callsOf("readBudget")).toMatchObject([{ argument: { organizationId: fixture.organizationId } }]);
  });

  test("is not a freelancer's to read", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("FREELANCER"));
    expect((await fixture.app().request("/api/agents/quota", { headers })).status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });
});

describe("what anyone may ask", () => {
  test("health is 200 while all is well, and computed at most every ten seconds", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const first = await app.request("/api/agents/health");
    expect(first.status).toBe(200);
    expect(healthSchema.parse(await first.json())).toMatchObject({
      status: "healthy",
      checks: { database: { ok: true, detail: "ok" }, platform: { ok: true } },
      integrations: { github: "off" },
      submissions: "on",
      slots: { total: 5, inUse: 1, organizationsWaiting: 0 },
    });
    fixture.isPostgresUp = false;
    fixture.nowMs += 9_999;
    expect((await app.request("/api/agents/health")).status).toBe(200);
    fixture.nowMs += 1;
    expect((await app.request("/api/agents/health")).status).toBe(503);
  });

  test("health tells what is broken, and nothing of why", async () => {
    const fixture = new EdgeFixture();
    fixture.isPostgresUp = false;
    fixture.isPlatformUp = false;
    const text = await (await fixture.app().request("/api/agents/health")).text();
    expect(text).not.toContain("hunter2");
    expect(healthSchema.parse(JSON.parse(text))).toMatchObject({
      status: "degraded",
      checks: { database: { ok: false, detail: "failed" }, platform: { ok: false, detail: "failed" } },
      slots: null,
    });
    expect(fixture.logLines.join("\n")).toContain("platform is away");
  });

  test("version names the build", async () => {
    const response = await new EdgeFixture().app().request("/api/agents/version");
    expect(versionSchema.parse(await response.json())).toMatchObject({ version: "1.2.3", deploymentId: "dep" });
  });

  test("the dashboard loads nothing but its own script and style, which are there", async () => {
    const app = new EdgeFixture().app();
    const page = await app.request("/admin/agents");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bstyle=|\bon[a-z]+=|https?:\/\//u);
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/gu)].map((match) => match[1] ?? "");
    expect(assets).toHaveLength(2);
    for (const asset of assets) expect((await app.request(asset)).status).toBe(200);
  });
});

describe("logs of all organizations", () => {
  test("are an administrator's to read, in pages, as of a time", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const lineAt = (atMs: number) => ({
      id: newId("log", atMs),
      jobId: newId("job", startMs),
      issueId: newId("issue", startMs),
      organizationId: "org_1",
      level: "WARN" as const,
      message: "slow",
      data: null,
      atMs,
    });
    fixture.platformLogs = [lineAt(startMs + 2), lineAt(startMs + 1)];
    const path = "/api/agents/admin/logs?level=WARN,ERROR&organizationId=org_1&since=2026-11-01T00:00:00Z&limit=1";
    const page = platformLogListSchema.parse(await (await app.request(path, { headers: bearer(adminToken) })).json());
    expect(page).toMatchObject({ items: [{ organizationId: "org_1", message: "slow" }] });
    expect(page.asOf).toBe(new Date(startMs).toISOString());
    await app.request(`${path}&cursor=${page.nextCursor ?? ""}`, { headers: bearer(adminToken) });
    const since = { organizationId: "org_1", levels: ["WARN", "ERROR"], sinceMs: Date.UTC(2026, 10, 1), untilMs: null };
    const before = { createdAtMs: startMs + 2, id: fixture.platformLogs[0]?.id };
    expect(fixture.callsOf("platformLogs").map(({ argument }) => argument)).toEqual([
      { ...since, before: null, limit: 2 },
      { ...since, before, limit: 2 },
    ]);
    expect((await app.request(path, { headers: bearer(fixture.user("ADMIN")) })).status).toBe(403);
  });
});
