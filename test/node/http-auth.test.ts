import { describe, expect, test } from "vitest";
import { problemSchema } from "../../src/contracts/http-views.ts";
import { adminToken, bearer, EdgeFixture, jsonRequest, validSubmission } from "./http-fixture.ts";

const publicPaths = new Set(
  ["health", "version", "openapi.json", "docs", "docs/style.css"].map((name) => `/api/agents/${name}`),
);

describe("every route of the API", () => {
  const fixture = new EdgeFixture();
  const app = fixture.app();
  const routes = app.routes.filter((route) => route.method !== "ALL" && route.path.startsWith("/api/agents"));

  test("is among those walked here", () => {
    expect(routes.map((route) => route.path)).toEqual(expect.arrayContaining(["/api/agents", "/api/agents/live"]));
  });

  test.each(routes.map((route) => [route.method, route.path] as const))("%s %s", async (method, path) => {
    const response = await app.request(path.replace(":id", "x"), { method });
    // Anyone may sign in, but not without a body.
    const isSignIn = method === "POST" && path === "/api/agents/admin/session";
    expect(response.status).toBe(isSignIn ? 422 : publicPaths.has(path) ? 200 : 401);
  });
});

describe("a caller", () => {
  test.each([
    ["no token", {}, 401, "unauthenticated"],
    ["another scheme", { authorization: "Basic dXNlcjpwYXNz" }, 401, "unauthenticated"],
    ["an empty token", { authorization: "Bearer " }, 401, "unauthenticated"],
    ["a forged token", bearer("forged"), 401, "unauthenticated"],
    ["an API key of another form", bearer("sk_live_short"), 401, "unauthenticated"],
    ["a genuine token that names no organization's id", bearer("unusable"), 403, "forbidden"],
    ["a token that cannot be verified now", bearer("keys-away"), 503, "unavailable"],
    ["an administrator's token with a character more", bearer(`${adminToken}x`), 401, "unauthenticated"],
  ])("with %s is refused before anything is asked", async (_name, headers, status, code) => {
    const fixture = new EdgeFixture();
    const request = { method: "POST", headers, body: JSON.stringify(validSubmission) };
    const response = await fixture.app().request("/api/agents", request);
    expect(response.status).toBe(status);
    expect(problemSchema.parse(await response.json()).code).toBe(code);
    expect(response.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
    expect(fixture.calls).toEqual([]);
    expect(fixture.identityReads).toEqual([]);
  });

  test.each([
    ["is unknown to the ERP", (fixture: EdgeFixture) => fixture.stranger(fixture.organizationId)],
    ["is not active", (fixture: EdgeFixture) => fixture.user("ADMIN", { isActive: false })],
    ["is a client", (fixture: EdgeFixture) => fixture.user("CLIENT")],
    ["claims another organization", (fixture: EdgeFixture) => `${fixture.user("ADMIN")}.org_other`],
  ])("who %s is refused", async (_name, tokenOf) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents", jsonRequest(tokenOf(fixture), validSubmission));
    expect(response.status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });

  test("cannot choose an organization by header", async () => {
    const fixture = new EdgeFixture();
    const headers = { "x-organization-id": "org_other" };
    const response = await fixture
      .app()
      .request("/api/agents", jsonRequest(fixture.user("ADMIN"), validSubmission, headers));
    expect(response.status).toBe(202);
    expect(fixture.callsOf("submit").map((call) => call.organizationId)).toEqual([fixture.organizationId]);
  });
});

describe("while Postgres is unreachable", () => {
  test("a known caller keeps his role", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    await app.request("/api/agents", jsonRequest(token, validSubmission));
    fixture.isPostgresUp = false;
    fixture.nowMs += 5 * 60_000;
    expect((await app.request("/api/agents", jsonRequest(token, validSubmission))).status).toBe(202);
    expect(fixture.callsOf("submit").at(-1)?.argument).toMatchObject({ submitterLevel: "STAFF" });
  });

  test("a verified claim submits as a freelancer, and reads his own issues only", async () => {
    const fixture = new EdgeFixture();
    fixture.isPostgresUp = false;
    const app = fixture.app();
    const token = fixture.stranger(fixture.organizationId);
    const [, subject] = token.split(".");
    expect((await app.request("/api/agents", jsonRequest(token, validSubmission))).status).toBe(202);
    expect(fixture.callsOf("submit").at(0)?.argument).toMatchObject({
      createdById: subject,
      submitterLevel: "FREELANCER",
    });
    await app.request("/api/agents", { headers: bearer(token) });
    expect(fixture.callsOf("listUnprojected").at(0)?.argument).toMatchObject({
      visibility: { kind: "own", userIds: [subject] },
    });
    expect((await app.request("/api/agents/reviews", { headers: bearer(token) })).status).toBe(403);
  });

  test("anyone else is asked to come back", async () => {
    const fixture = new EdgeFixture();
    fixture.isPostgresUp = false;
    const response = await fixture.app().request("/api/agents", { headers: bearer(fixture.stranger()) });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
  });
});

describe("a platform administrator", () => {
  test("is told which header names the organization", async () => {
    const response = await new EdgeFixture().app().request("/api/agents", { headers: bearer(adminToken) });
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors?.map(({ field }) => field)).toEqual(["X-Organization-Id"]);
  });

  test("may not name what is no id", async () => {
    const headers = bearer(adminToken, { "x-organization-id": "../etc" });
    expect((await new EdgeFixture().app().request("/api/agents", { headers })).status).toBe(422);
  });

  test("submits for the organization that he names, as nobody's user", async () => {
    const fixture = new EdgeFixture();
    const headers = { "x-organization-id": fixture.organizationId };
    const response = await fixture.app().request("/api/agents", jsonRequest(adminToken, validSubmission, headers));
    expect(response.status).toBe(202);
    expect(fixture.callsOf("submit")).toMatchObject([
      { organizationId: fixture.organizationId, argument: { createdById: null, submitterLevel: "ADMIN" } },
    ]);
    expect(fixture.identityReads).toEqual([]);
  });
});
