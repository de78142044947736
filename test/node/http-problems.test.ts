import { describe, expect, test } from "vitest";
import { problemSchema } from "../../src/contracts/http-views.ts";
import { createLogger } from "../../src/core/log.ts";
import { createMisconfiguredApp } from "../../src/http/app.ts";
import { adminToken, bearer, EdgeFixture, jsonRequest, validSubmission } from "./http-fixture.ts";

/** A submission whose body is this text. */
function rawSubmission(fixture: EdgeFixture, body: string, contentType = "application/json"): RequestInit {
  return { method: "POST", headers: bearer(fixture.user("STAFF"), { "content-type": contentType }), body };
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const withContext = (context: string): string =>
  JSON.stringify(validSubmission).replace(/\}$/u, `,"context":${context}}`);

describe("a submission that is not valid", () => {
  test.each<[string, string, number, string, string[] | undefined]>([
    ["malformed JSON", "{", 400, "malformed_json", undefined],
    ["an empty body", "", 400, "malformed_json", undefined],
    ["no object", "[]", 422, "invalid_request", ["body"]],
    ["no title", JSON.stringify({ ...validSubmission, title: undefined }), 422, "invalid_request", ["title"]],
    ["a blank title", JSON.stringify({ ...validSubmission, title: "  " }), 422, "invalid_request", ["title"]],
    ["a long title", JSON.stringify({ ...validSubmission, title: "x".repeat(201) }), 422, "invalid_request", ["title"]],
    [
      "a long description",
      JSON.stringify({ ...validSubmission, description: "é".repeat(25_601) }),
      422,
      "invalid_request",
      ["description"],
    ],
    [
      "several wrong fields",
      JSON.stringify({ title: 7, type: "NOISE" }),
      422,
      "invalid_request",
      ["type", "title", "description"],
    ],
    [
      "fields that nobody knows",
      JSON.stringify({ ...validSubmission, status: "COMPLETED", organizationId: "org_other" }),
      422,
      "invalid_request",
      ["status", "organizationId"],
    ],
    [
      "an agent that is not there",
      JSON.stringify({ ...validSubmission, agentType: "meta.review" }),
      422,
      "invalid_request",
      ["agentType"],
    ],
    ["an unknown model", JSON.stringify({ ...validSubmission, model: "gpt" }), 422, "invalid_request", ["model"]],
    ["a deeply nested context", withContext(nested(20_000)), 422, "invalid_request", ["context"]],
    ["a context that is no object", withContext("[1]"), 422, "invalid_request", ["context"]],
  ])("%s", async (_name, body, status, code, fields) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents", rawSubmission(fixture, body));
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = problemSchema.parse(await response.json());
    expect(problem).toMatchObject({ code, status, requestId: response.headers.get("x-request-id") });
    expect(problem.errors?.map(({ field }) => field)).toEqual(fields);
    expect(fixture.calls).toEqual([]);
  });

  test("a body over 256 KB is not read", async () => {
    const fixture = new EdgeFixture();
    const body = withContext(JSON.stringify({ text: "x".repeat(257 * 1024) }));
    const response = await fixture.app().request("/api/agents", rawSubmission(fixture, body));
    expect(response.status).toBe(413);
    expect(fixture.calls).toEqual([]);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded"])("%s is no JSON", async (contentType) => {
    const fixture = new EdgeFixture();
    const request = rawSubmission(fixture, JSON.stringify(validSubmission), contentType);
    const response = await fixture.app().request("/api/agents", request);
    expect(response.status).toBe(415);
    expect(problemSchema.parse(await response.json()).code).toBe("unsupported_media_type");
  });
});

describe("what is not served", () => {
  test("an unknown path is 404", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    for (const path of ["/", "/nowhere", "/api/agents/a/b/c"]) {
      const response = await app.request(path, { headers: bearer(fixture.user("STAFF")) });
      expect(response.status).toBe(404);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(problemSchema.parse(await response.json()).code).toBe("not_found");
    }
  });

  test("a wrong method is 405 and names the right ones", async () => {
    const fixture = new EdgeFixture();
    const request = { method: "DELETE", headers: bearer(fixture.user("STAFF")) };
    const response = await fixture.app().request("/api/agents", request);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")?.split(", ")).toEqual(expect.arrayContaining(["GET", "HEAD", "POST"]));
    expect(problemSchema.parse(await response.json()).code).toBe("method_not_allowed");
  });

  test("a wrong method of an open route is 405 without a token", async () => {
    const response = await new EdgeFixture().app().request("/admin/agents", { method: "POST" });
    expect(response.status).toBe(405);
  });
});

describe("what goes wrong behind the edge", () => {
  test("an unexpected error keeps its text to the log", async () => {
    const fixture = new EdgeFixture();
    fixture.submitAnswer = () => Promise.reject(new Error("secret-internal-text"));
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toContain("secret-internal-text");
    const { requestId } = problemSchema.parse(JSON.parse(text));
    const logged = fixture.logLines.filter((line) => line.includes("secret-internal-text"));
    expect(logged.some((line) => line.includes(requestId))).toBe(true);
  });

  test.each(["retryable", "overloaded"])("an object that is %s is unavailable", async (mark) => {
    const fixture = new EdgeFixture();
    fixture.submitAnswer = () => Promise.reject(Object.assign(new Error("object reset"), { [mark]: true }));
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
  });

  test("a refusal of the object reaches the caller with its wait", async () => {
    const fixture = new EdgeFixture();
    const failure = { code: "rate_limited", detail: "100 issues an hour.", retryAfterSeconds: 90 } as const;
    fixture.submitAnswer = () => Promise.resolve({ ok: false, failure });
    const response = await fixture.app().request("/api/agents", jsonRequest(fixture.user("STAFF"), validSubmission));
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("90");
    expect(problemSchema.parse(await response.json())).toMatchObject({ code: "rate_limited", detail: failure.detail });
  });
});

describe("every answer", () => {
  test("carries its own request id and the security headers", async () => {
    const app = new EdgeFixture().app();
    const ask = async () => app.request("/api/agents/version", { headers: { "x-request-id": "req_mine" } });
    const [first, second] = [await ask(), await ask()];
    expect(first.headers.get("x-request-id")).toMatch(/^req_[0-9A-Z]{26}$/u);
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect(first.headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(first.headers.get("x-content-type-options")).toBe("nosniff");
    expect(first.headers.get("cache-control")).toBe("no-store");
  });

  test("is one line in the log, without the query and the token", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("STAFF");
    const response = await fixture.app().request("/api/agents?status=QUEUED", { headers: bearer(token) });
    const lines = fixture.logLines.filter((line) => line.includes('"message":"request"'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "INFO",
      correlationId: response.headers.get("x-request-id"),
      organizationId: fixture.organizationId,
      method: "GET",
      path: "/api/agents",
      route: "/api/agents",
      status: 200,
    });
    expect(fixture.logLines.join("\n")).not.toContain(token);
    expect(fixture.logLines.join("\n")).not.toContain("status=QUEUED");
  });
});

test("the log names the route that answered, not another one that fits the path", async () => {
  const fixture = new EdgeFixture();
  await fixture.app().request("/api/agents/version");
  const line = fixture.logLines.find((each) => each.includes('"message":"request"'));
  expect(JSON.parse(line ?? "")).toMatchObject({ path: "/api/agents/version", route: "/api/agents/version" });
});

test("bad settings: every route is 503, and the wrong keys are in the log only", async () => {
  const lines: string[] = [];
  const log = createLogger({}, (_level, line) => lines.push(line));
  const app = createMisconfiguredApp({ keys: ["SUPABASE_URL"] }, { clock: { nowMs: () => 1 }, log });
  for (const path of ["/api/agents", "/api/agents/health", "/admin/agents", "/"]) {
    const response = await app.request(path, { headers: bearer(adminToken) });
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(problemSchema.parse(JSON.parse(text)).code).toBe("misconfigured");
    expect(text).not.toContain("SUPABASE_URL");
  }
  expect(lines.filter((line) => line.includes("SUPABASE_URL"))).toHaveLength(1);
});
