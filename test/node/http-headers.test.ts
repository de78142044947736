/** Header fields: what is left of limits, entity tags, other origins, and what every browser is told. */
import { describe, expect, test } from "vitest";
import { newId } from "../../src/core/ids.ts";
import { bearer, detailOf, EdgeFixture, issueRecord, jsonRequest, startMs, validSubmission } from "./http-fixture.ts";

describe("what is left of the limits", () => {
  test("stands on every submission that is taken", async () => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.headers.get("ratelimit-policy")).toBe(
      '"issues-per-hour";q=100;w=3600, "issues-per-day";q=10;w=86400',
    );
    expect(response.headers.get("ratelimit")).toBe('"issues-per-hour";r=99;t=3600, "issues-per-day";r=9;t=86400');
  });

  test.each([
    ["rate_limited", '"issues-per-hour";r=0;t=90'],
    ["quota_exhausted", '"issues-per-day";r=0;t=90'],
    ["budget_exhausted", null],
  ] as const)("stands on the refusal %s: %s", async (code, field) => {
    const fixture = new EdgeFixture();
    fixture.submitAnswer = () =>
      Promise.resolve({ ok: false, failure: { code, detail: "Not now.", retryAfterSeconds: 90 } });
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(429);
    expect(response.headers.get("ratelimit")).toBe(field);
    expect(response.headers.has("ratelimit-policy")).toBe(field !== null);
    expect(response.headers.get("retry-after")).toBe("90");
  });

  test("is not told with a repeated answer", async () => {
    const fixture = new EdgeFixture();
    fixture.submitAnswer = () => Promise.resolve({ ok: true, value: { ...fixture.receipt, replayed: true } });
    const request = jsonRequest(fixture.user("STAFF"), validSubmission, { "idempotency-key": "k" });
    const response = await fixture.app().request("/api/agents", request);
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    expect(response.headers.has("ratelimit")).toBe(false);
  });
});

describe("a read of one thing", () => {
  async function readTwice(change: (fixture: EdgeFixture, id: string) => void, tagOf = (tag: string) => tag) {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const headers = bearer(fixture.user("STAFF"));
    const detail = detailOf(issueRecord(fixture.organizationId));
    const { id } = detail.issue;
    fixture.live.set(id, detail);
    const first = await app.request(`/api/agents/${id}`, { headers });
    const tag = first.headers.get("etag") ?? "";
    change(fixture, id);
    const second = await app.request(`/api/agents/${id}`, { headers: { ...headers, "if-none-match": tagOf(tag) } });
    return { first, tag, second };
  }
  const nothing = (): void => undefined;

  test("has an entity tag, and may be kept by its reader only, who asks again", async () => {
    const { first, tag } = await readTwice(nothing);
    expect(tag).toMatch(/^"[0-9a-f]{40}"$/u);
    expect(first.headers.get("cache-control")).toBe("private, no-cache");
    expect(first.headers.get("vary")).toContain("Authorization");
  });

  test.each([
    ["the same tag", (tag: string) => tag],
    ["a weak one of a list", (tag: string) => `"other", W/${tag}`],
    ["any", () => "*"],
  ])("is answered 304 without a body for %s", async (_name, tagOf) => {
    const { second, tag } = await readTwice(nothing, tagOf);
    expect(second.status).toBe(304);
    expect(await second.text()).toBe("");
    expect(second.headers.get("etag")).toBe(tag);
    expect(second.headers.get("x-request-id")).toMatch(/^req_/u);
    expect(second.headers.get("cache-control")).toBe("private, no-cache");
  });

  test("is answered anew when it has changed", async () => {
    const { second, tag } = await readTwice((fixture, id) => {
      const detail = fixture.live.get(id);
      if (detail !== undefined) fixture.live.set(id, { ...detail, stepCount: 1 });
    });
    expect(second.status).toBe(200);
    expect(second.headers.get("etag")).not.toBe(tag);
  });

  test("has no tag when it is not there", async () => {
    const fixture = new EdgeFixture();
    fixture.isPostgresUp = true;
    const headers = { ...bearer(fixture.user("STAFF")), "if-none-match": "*" };
    const response = await fixture.app().request(`/api/agents/${newId("issue", startMs)}`, { headers });
    expect(response.status).toBe(404);
    expect(response.headers.has("etag")).toBe(false);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });
});

describe("pages of other origins", () => {
  const erp = "https://erp.example";
  const preflight = (origin: string) => ({
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });

  test("are let in when the settings name them: preflight without a token, then the request itself", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app({ allowedOrigins: new Set([erp]) });
    const asked = await app.request("/api/agents", preflight(erp));
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe(erp);
    expect(asked.headers.get("access-control-allow-methods")?.split(",")).toContain("POST");
    expect(asked.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("idempotency-key");
    expect(asked.headers.has("access-control-allow-credentials")).toBe(false);
    const request = jsonRequest(fixture.user("STAFF"), validSubmission, { origin: erp });
    const response = await app.request("/api/agents", request);
    expect(response.status).toBe(202);
    expect(response.headers.get("access-control-allow-origin")).toBe(erp);
    expect(response.headers.get("access-control-expose-headers")).toContain("RateLimit");
  });

  test("are told why they are refused", async () => {
    const app = new EdgeFixture().app({ allowedOrigins: new Set([erp]) });
    const response = await app.request("/api/agents", { headers: { origin: erp } });
    expect(response.status).toBe(401);
    expect(response.headers.get("access-control-allow-origin")).toBe(erp);
  });

  test.each([
    ["another origin", [erp], "https://evil.example"],
    ["an origin that only begins alike", [erp], "https://erp.example.evil"],
    ["the same host without TLS", [erp], "http://erp.example"],
    ["no origin", [erp], "null"],
    ["any, when none is set", [], erp],
  ])("are not let in: %s", async (_name, origins, origin) => {
    const app = new EdgeFixture().app({ allowedOrigins: new Set<string>(origins) });
    const response = await app.request("/api/agents", preflight(origin));
    expect(response.headers.has("access-control-allow-origin")).toBe(false);
  });
});

test.each(["/api/agents/version", "/api/agents", "/admin/agents", "/api/agents/docs", "/nowhere"])(
  "%s tells browsers what they must not do",
  async (path) => {
    const { headers } = await new EdgeFixture().app().request(path);
    expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("permissions-policy")).toContain("camera=()");
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none';.*frame-ancestors 'none'/u);
  },
);
