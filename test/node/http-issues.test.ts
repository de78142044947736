import { describe, expect, test } from "vitest";
import {
  issueDetailSchema,
  issueListSchema,
  problemSchema,
  stepListSchema,
  submitResponseSchema,
} from "../../src/contracts/http-views.ts";
import { newId } from "../../src/core/ids.ts";
import { decodeCursor, encodeCursor } from "../../src/http/list-page.ts";
import {
  bearer,
  detailOf,
  EdgeFixture,
  issueRecord,
  jsonRequest,
  startMs,
  stepRecord,
  validSubmission,
} from "./http-fixture.ts";

describe("submitting", () => {
  test("answers what the object stored, and where to follow it", async () => {
    const fixture = new EdgeFixture();
    const request = jsonRequest(fixture.user("STAFF"), { ...validSubmission, context: { briefId: "b1" } });
    const response = await fixture.app().request("https://agents.example/api/agents", request);
    expect(response.status).toBe(202);
    const { issueId, jobId } = fixture.receipt;
    expect(submitResponseSchema.parse(await response.json())).toEqual({
      id: issueId,
      jobId,
      status: "QUEUED",
      position: 0,
      estimatedWaitSeconds: null,
      trackingUrl: `https://agents.example/api/agents/${issueId}`,
      liveUrl: `wss://agents.example/api/agents/live?issueId=${issueId}&after=0`,
      rate: { limit: 100, remaining: 99, resetAt: "2026-11-22T01:00:00.000Z" },
      quota: { limit: 10, remaining: 9, resetAt: "2026-11-23T00:00:00.000Z" },
      redacted: [],
    });
    expect(response.headers.has("idempotency-replayed")).toBe(false);
    expect(fixture.callsOf("submit")).toMatchObject([
      {
        organizationId: fixture.organizationId,
        argument: {
          organizationId: fixture.organizationId,
          source: "MANUAL",
          priority: "MEDIUM",
          context: { briefId: "b1" },
          submitterLevel: "STAFF",
          requestedAgentType: null,
          correlationId: response.headers.get("x-request-id"),
          idempotency: null,
        },
      },
    ]);
  });

  test("attributes the issue to the ERP's user", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("STAFF", { userId: "user_42" });
    await fixture.app().request("/api/agents", jsonRequest(token, validSubmission));
    expect(fixture.callsOf("submit")).toMatchObject([{ argument: { createdById: "user_42" } }]);
  });

  test("with an idempotency key names the request by what it says, and tells of a repeated answer", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    const key = { "idempotency-key": "order-17" };
    await app.request("/api/agents", jsonRequest(token, validSubmission, key));
    fixture.submitAnswer = () => Promise.resolve({ ok: true, value: { ...fixture.receipt, replayed: true } });
    const { type, title, description } = validSubmission;
    const sameRequest = { priority: "MEDIUM", description, title: ` ${title}`, type };
    const repeated = await app.request("/api/agents", jsonRequest(token, sameRequest, key));
    expect(repeated.status).toBe(202);
    expect(repeated.headers.get("idempotency-replayed")).toBe("true");
    await app.request("/api/agents", jsonRequest(token, { ...validSubmission, title: "Another" }, key));
    const sent = fixture.callsOf("submit").map(({ argument }) => JSON.stringify(argument));
    const hashes = sent.map((command) => /order-17[^:]*,"requestHash":"(?<hash>[0-9a-f]{64})"/u.exec(command)?.[1]);
    expect(hashes[0]).toBeDefined();
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  test.each(["", "two words", "caf\u00e9", "x".repeat(256)])("refuses the idempotency key %j", async (key) => {
    const fixture = new EdgeFixture();
    const request = jsonRequest(fixture.user("STAFF"), validSubmission, { "idempotency-key": key });
    const response = await fixture.app().request("/api/agents", request);
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field: "idempotency-key" }]);
    expect(fixture.callsOf("submit")).toEqual([]);
  });

  test("passes on when it may start, when it is no longer wanted, and what it must not run beside", async () => {
    const fixture = new EdgeFixture();
    const times = {
      notBefore: "2026-11-23T08:00:00+01:00",
      expiresAt: "2026-11-24T00:00:00Z",
      concurrencyKey: "brief-1",
    };
    await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), { ...validSubmission, ...times }));
    expect(fixture.callsOf("submit")).toMatchObject([
      {
        argument: {
          notBeforeMs: Date.UTC(2026, 10, 23, 7),
          expiresAtMs: Date.UTC(2026, 10, 24),
          concurrencyKey: "brief-1",
        },
      },
    ]);
  });

  test.each([{ notBefore: "tomorrow" }, { expiresAt: "2026-11-24" }, { concurrencyKey: " " }])(
    "refuses %j",
    async (changes) => {
      const fixture = new EdgeFixture();
      const request = jsonRequest(fixture.user("STAFF"), { ...validSubmission, ...changes });
      expect((await fixture.app().request("/api/agents", request)).status).toBe(422);
      expect(fixture.callsOf("submit")).toEqual([]);
    },
  );

  test("with a slash at the end is the same route", async () => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents/", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(202);
  });

  test("passes the platform's terms on, at most ten seconds old", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    const submit = async () => app.request("/api/agents", jsonRequest(token, validSubmission));
    fixture.terms = { ...fixture.terms, version: 3 };
    await submit();
    fixture.nowMs += 9_999;
    await submit();
    expect(fixture.callsOf("readTerms")).toHaveLength(1);
    fixture.nowMs += 1;
    fixture.terms = { ...fixture.terms, version: 4 };
    await submit();
    expect(fixture.callsOf("submit").map((call) => call.argument)).toMatchObject(
      [3, 3, 4].map((version) => ({ terms: { version } })),
    );
  });

  test("goes on with older or default terms while the platform is out of reach", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    fixture.isPlatformUp = false;
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    fixture.isPlatformUp = true;
    fixture.terms = { ...fixture.terms, version: 7 };
    fixture.nowMs += 10_000;
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    fixture.isPlatformUp = false;
    fixture.nowMs += 10_000;
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    expect(fixture.callsOf("submit").map((call) => call.argument)).toMatchObject(
      [0, 7, 7].map((version) => ({ terms: { version } })),
    );
  });

  test("asks neither Postgres nor anything else but the objects when the caller is known", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    fixture.calls.length = 0;
    fixture.identityReads.length = 0;
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    expect(fixture.calls.map((call) => call.method)).toEqual(["submit"]);
    expect(fixture.identityReads).toEqual([]);
  });

  test("stores no secret, and names the fields that held one", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("STAFF");
    const secret = "sk_live_a1B2c3D4e5F6g7H8i9J0k1L2";
    const submission = {
      ...validSubmission,
      description: `It says ${secret} is wrong.`,
      externalId: "ERP-1",
      context: { call: { headers: [`Bearer ${secret}`] }, commit: "0123456789abcdef0123456789abcdef01234567" },
    };
    const response = await fixture
      .app()
      .request("/api/agents", jsonRequest(token, submission, { "idempotency-key": "k" }));
    const answer = submitResponseSchema.parse(await response.json());
    expect(answer.redacted).toEqual(["description", "context.call.headers.0"]);
    expect(JSON.stringify(fixture.calls)).not.toContain(secret);
    expect(fixture.callsOf("submit")).toMatchObject([
      {
        argument: {
          title: validSubmission.title,
          description: "It says [REDACTED:api-key] is wrong.",
          externalId: "ERP-1",
          context: { ...submission.context, call: { headers: ["Bearer [REDACTED:api-key]"] } },
        },
      },
    ]);
  });

  test("tells when to come back to what a switch refuses", async () => {
    const fixture = new EdgeFixture();
    const failure = { code: "switched_off", detail: "Maintenance.", retryAfterSeconds: 61 } as const;
    fixture.submitAnswer = () => Promise.resolve({ ok: false, failure });
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("61");
  });
});

describe("listing", () => {
  test("puts the object's issues over Postgres' rows, newest first", async () => {
    const fixture = new EdgeFixture();
    const at = (createdAtMs: number, title: string) =>
      issueRecord(fixture.organizationId, { createdAtMs: startMs + createdAtMs, title });
    const [fresh, changed, old] = [at(3, "fresh"), at(2, "changed"), at(1, "old")];
    fixture.unprojected = { matching: [fresh, changed], replacedIds: [fresh.id, changed.id], through: null };
    fixture.storedList = [{ ...changed, title: "out of date" }, old];
    const response = await fixture.app().request("/api/agents", { headers: bearer(fixture.user("STAFF")) });
    const page = issueListSchema.parse(await response.json());
    expect(page.items.map(({ title }) => title)).toEqual(["fresh", "changed", "old"]);
    expect(page).toMatchObject({ nextCursor: null, partial: false });
  });

  test("hands filters, limit, cursor and visibility to both places", async () => {
    const fixture = new EdgeFixture();
    const before = { createdAtMs: startMs, id: newId("issue", startMs) };
    const path = `/api/agents?status=REVIEW&type=BUG&limit=7&cursor=${encodeCursor(before)}`;
    const token = fixture.user("FREELANCER", { userId: "user_9" });
    await fixture.app().request(path, { headers: bearer(token) });
    const [, subject] = token.split(".");
    const expected = {
      organizationId: fixture.organizationId,
      filter: { status: ["REVIEW"], type: ["BUG"] },
      before,
      limit: 8,
      visibility: { kind: "own", userIds: ["user_9", subject] },
    };
    expect(fixture.callsOf("listUnprojected").map((call) => call.argument)).toEqual([expected]);
    expect(fixture.callsOf("postgres.list").map((call) => call.argument)).toEqual([
      { ...expected, excludeIds: [], through: null },
    ]);
  });

  test("without Postgres holds the object's part and says so", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    await app.request("/api/agents", { headers: bearer(token) });
    fixture.isPostgresUp = false;
    const issue = issueRecord(fixture.organizationId);
    fixture.unprojected = { matching: [issue], replacedIds: [issue.id], through: null };
    const response = await app.request("/api/agents", { headers: bearer(token) });
    expect(response.status).toBe(200);
    expect(issueListSchema.parse(await response.json())).toMatchObject({ items: [{ id: issue.id }], partial: true });
  });

  test("takes several values of a filter, in one parameter or many", async () => {
    const fixture = new EdgeFixture();
    const query =
      "status=REVIEW,FAILED&priority=HIGH&priority=LOW&module=Briefs&agentType=meta.research,briefs.status-workflow" +
      "&source=GITHUB&externalId=a%2Cb&externalId=c&createdById=user_9&text=Stuck%20brief" +
      "&since=2026-11-01T00:00:00Z&until=2026-11-02T02:00:00%2B02:00";
    const headers = bearer(fixture.user("STAFF"));
    expect((await fixture.app().request(`/api/agents?${query}`, { headers })).status).toBe(200);
    expect(fixture.callsOf("listUnprojected")).toMatchObject([
      {
        argument: {
          filter: {
            status: ["REVIEW", "FAILED"],
            priority: ["HIGH", "LOW"],
            module: ["briefs"],
            agentType: ["meta.research", "briefs.status-workflow"],
            source: ["GITHUB"],
            externalId: ["a,b", "c"],
            createdById: ["user_9"],
            text: "Stuck brief",
            sinceMs: Date.UTC(2026, 10, 1),
            untilMs: Date.UTC(2026, 10, 2),
          },
        },
      },
    ]);
  });

  test.each([
    "limit=0",
    "limit=101",
    "status=DONE",
    "status=REVIEW,DONE",
    "status=",
    "cursor=%20",
    "cursor=1",
    "organizationId=org_x",
    "text=%21%3F",
    "text=a&text=b",
    "since=yesterday",
    "externalId=%00",
    "module=a%27b",
    "createdById=",
  ])("refuses %s", async (query) => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("STAFF"));
    const response = await fixture.app().request(`/api/agents?${query}`, { headers });
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field: query.split("=")[0] }]);
    expect(fixture.calls).toEqual([]);
  });

  test("a cursor comes back as the position that it was", () => {
    const position = { createdAtMs: startMs, id: newId("issue", startMs) };
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
    expect(decodeCursor("'; drop table")).toBeNull();
  });
});

describe("reading one issue", () => {
  const parts = ["", "/steps", "/logs", "/artifacts"];

  test("asks the object first, and Postgres not at all", async () => {
    const fixture = new EdgeFixture();
    const issue = issueRecord(fixture.organizationId);
    fixture.live.set(issue.id, detailOf(issue));
    const response = await fixture.app().request(`/api/agents/${issue.id}`, { headers: bearer(fixture.user("STAFF")) });
    const detail = issueDetailSchema.parse(await response.json());
    expect(detail).toMatchObject({ id: issue.id, title: issue.title, jobs: [], waitingFor: null });
    expect(detail.createdAt).toBe(new Date(issue.createdAtMs).toISOString());
    expect(fixture.calls.map((call) => call.method)).toEqual(["readIssue"]);
  });

  test.each(parts)("reads %s from Postgres when it has left the object", async (part) => {
    const fixture = new EdgeFixture();
    const issue = issueRecord(fixture.organizationId);
    fixture.stored.set(issue.id, detailOf(issue));
    const headers = bearer(fixture.user("STAFF"));
    const response = await fixture.app().request(`/api/agents/${issue.id}${part}`, { headers });
    expect(response.status).toBe(200);
    expect(fixture.callsOf("postgres.read")).toMatchObject([{ organizationId: fixture.organizationId }]);
  });

  test("tells a page of steps where the next begins, and refuses the cursor of another list", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const headers = bearer(fixture.user("STAFF"));
    const issue = issueRecord(fixture.organizationId);
    const jobId = newId("job", startMs);
    fixture.live.set(issue.id, detailOf(issue));
    fixture.liveSteps = [1, 2, 3].map((number) => stepRecord(jobId, number));
    const path = `/api/agents/${issue.id}/steps`;
    const page = stepListSchema.parse(await (await app.request(`${path}?limit=2`, { headers })).json());
    expect(page).toMatchObject({ items: [{ number: 1 }, { number: 2 }], nextCursor: `${jobId}.1.2` });
    await app.request(`${path}?cursor=${page.nextCursor ?? ""}`, { headers });
    expect(fixture.callsOf("livePart").map(({ argument }) => argument)).toMatchObject([
      { after: null, limit: 2 },
      { after: { jobId, attempt: 1, number: 2 }, limit: 100 },
    ]);
    for (const cursor of ["1", newId("log", startMs), encodeCursor({ createdAtMs: startMs, id: issue.id })]) {
      expect((await app.request(`${path}?cursor=${cursor}`, { headers })).status).toBe(422);
    }
    expect((await app.request(`/api/agents/${issue.id}/logs?cursor=${jobId}`, { headers })).status).toBe(422);
  });

  test.each(parts)("a foreign issue's %s reads as not found", async (part) => {
    const fixture = new EdgeFixture();
    const issue = issueRecord("org_other");
    fixture.stored.set(issue.id, detailOf(issue));
    const headers = bearer(fixture.user("ADMIN"));
    const response = await fixture.app().request(`/api/agents/${issue.id}${part}`, { headers });
    expect(response.status).toBe(404);
    expect(fixture.calls.filter((call) => call.method.startsWith("postgres.list"))).toEqual([]);
  });

  test("what is no issue's id is not found, and nothing is asked", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("ADMIN"));
    for (const path of ["/api/agents/nothing", "/api/agents/job_1/steps", `/api/agents/${"x".repeat(5_000)}`]) {
      expect((await fixture.app().request(path, { headers })).status).toBe(404);
    }
    expect(fixture.calls).toEqual([]);
  });

  test("is unavailable when only Postgres could tell and it does not answer", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    await app.request("/api/agents", { headers: bearer(token) });
    fixture.isPostgresUp = false;
    const response = await app.request(`/api/agents/${newId("issue", startMs)}`, { headers: bearer(token) });
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(text).not.toContain("hunter2");
    expect(problemSchema.parse(JSON.parse(text)).code).toBe("unavailable");
  });
});
