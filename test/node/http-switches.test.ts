import { describe, expect, test } from "vitest";
import { adminResponseSchema, switchListSchema } from "../../src/contracts/http-switches.ts";
import { liveViewerHeader } from "../../src/contracts/live-viewer.ts";
import { newId } from "../../src/core/ids.ts";
import { adminToken, bearer, EdgeFixture, jsonRequest, startMs, switchRecord } from "./http-fixture.ts";

const pause = { action: "pause", scope: { kind: "organization" }, reason: "Too many wrong answers." };

describe("POST /admin", () => {
  test("is carried out for an organization's own administrator, in his name", async () => {
    const fixture = new EdgeFixture();
    fixture.switches = [switchRecord({ scope: { kind: "organization", value: fixture.organizationId } })];
    const token = fixture.user("ADMIN", { userId: "user_boss" });
    const response = await fixture.app().request("/api/agents/admin", jsonRequest(token, pause));
    expect(response.status).toBe(200);
    const scope = { kind: "organization", value: fixture.organizationId };
    expect(adminResponseSchema.parse(await response.json())).toMatchObject({ action: "pause", scope, switches: [{}] });
    expect(fixture.callsOf("administer").map((call) => call.argument)).toEqual([
      { action: "pause", scope, actor: { kind: "organization", name: "user_boss" }, reason: pause.reason },
    ]);
  });

  test("is carried out for a platform administrator, on whatever he names", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const actor = { kind: "platform", name: "root" };
    const onPlatform = { ...pause, action: "drain", scope: { kind: "platform" } };
    expect((await app.request("/api/agents/admin", jsonRequest(adminToken, onPlatform))).status).toBe(200);
    const named = { ...pause, scope: { kind: "organization", value: "org-7" } };
    expect((await app.request("/api/agents/admin", jsonRequest(adminToken, named))).status).toBe(200);
    expect((await app.request("/api/agents/admin", jsonRequest(adminToken, pause))).status).toBe(422);
    expect(fixture.callsOf("administer").map((call) => call.argument)).toEqual([
      { action: "drain", scope: { kind: "platform" }, actor, reason: pause.reason },
      { action: "pause", scope: named.scope, actor, reason: pause.reason },
    ]);
  });

  test("is written down without the secrets that its reason holds", async () => {
    const fixture = new EdgeFixture();
    const order = jsonRequest(fixture.user("ADMIN"), { ...pause, reason: `ghp_${"a1B2c3D4e5F6".repeat(3)} is out` });
    await fixture.app().request("/api/agents/admin", order);
    expect(fixture.callsOf("administer")).toMatchObject([{ argument: { reason: "[REDACTED:github-token] is out" } }]);
  });

  test.each([
    ["the platform", { ...pause, scope: { kind: "platform" } }, 403],
    ["another organization, which is not found", { ...pause, scope: { kind: "organization", value: "org-b" } }, 404],
    ["an agent", { ...pause, scope: { kind: "agent", value: "a.b" } }, 422],
    ["something without a reason", { ...pause, reason: " " }, 422],
    ["an unknown action", { ...pause, action: "stop" }, 422],
  ])("by an organization's administrator is refused for %s", async (_name, body, status) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents/admin", jsonRequest(fixture.user("ADMIN"), body));
    expect(response.status).toBe(status);
    expect(fixture.calls).toEqual([]);
  });

  test.each(["LEADERSHIP", "TEAM_LEAD", "STAFF", "FREELANCER"] as const)("is not for %s", async (level) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request("/api/agents/admin", jsonRequest(fixture.user(level), pause));
    expect(response.status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });
});

describe("switches", () => {
  const path = "/api/agents/admin/switches";
  const body = { scope: { kind: "model", value: "opus" }, mode: "hold", reason: "Too dear." };

  test("are listed, set and removed by platform administrators, each change with a reason", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const known = switchRecord({ expiresAtMs: startMs + 1_000 });
    fixture.switches = [known];
    const list = switchListSchema.parse(await (await app.request(path, { headers: bearer(adminToken) })).json());
    expect(list.items).toMatchObject([{ id: known.id, expiresAt: "2026-11-22T00:00:01.000Z" }]);
    const expiresAt = "2026-11-22T01:00:00.000Z";
    expect((await app.request(path, jsonRequest(adminToken, { ...body, expiresAt }))).status).toBe(201);
    const remove = { method: "DELETE", headers: bearer(adminToken) };
    expect((await app.request(`${path}/${known.id}?reason=done`, remove)).status).toBe(200);
    expect((await app.request(`${path}/${known.id}`, remove)).status).toBe(422);
    expect((await app.request(`${path}/${newId("switch", startMs)}?reason=done`, remove)).status).toBe(404);
    expect((await app.request(`${path}/AGENT_ENABLED?reason=done`, remove)).status).toBe(404);
    const actor = { kind: "platform", name: "root" };
    expect(fixture.callsOf("setSwitch").map((call) => call.argument)).toEqual([
      { ...body, actor, expiresAtMs: Date.parse(expiresAt) },
    ]);
    expect(fixture.callsOf("removeSwitch")).toMatchObject([
      { argument: { switchId: known.id, actor, reason: "done" } },
      {},
    ]);
  });

  test("that concern one organization are listed when it is named", async () => {
    const fixture = new EdgeFixture();
    await fixture.app().request(path, { headers: bearer(adminToken, { "x-organization-id": "org-7" }) });
    expect(fixture.callsOf("readSwitches")).toMatchObject([{ organizationId: "org-7" }]);
  });

  test.each([
    ["an unknown scope", { ...body, scope: { kind: "galaxy" } }],
    ["an unknown model", { ...body, scope: { kind: "model", value: "gpt" } }],
    ["a value for the platform", { ...body, scope: { kind: "platform", value: "x" } }],
    ["an unknown mode", { ...body, mode: "explode" }],
    ["no reason", { ...body, reason: undefined }],
    ["an end that is no time", { ...body, expiresAt: "soon" }],
  ])("with %s are refused", async (_name, wrong) => {
    const fixture = new EdgeFixture();
    expect((await fixture.app().request(path, jsonRequest(adminToken, wrong))).status).toBe(422);
    expect(fixture.calls).toEqual([]);
  });

  test("and their audit are closed to an organization's own administrator", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("ADMIN");
    expect((await app.request(path, { headers: bearer(token) })).status).toBe(403);
    expect((await app.request(path, jsonRequest(token, body))).status).toBe(403);
    const id = newId("switch", startMs);
    expect((await app.request(`${path}/${id}?reason=x`, { method: "DELETE", headers: bearer(token) })).status).toBe(
      403,
    );
    expect((await app.request("/api/agents/admin/audit", { headers: bearer(token) })).status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });

  test("take effect at the edge that set them at once", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    const token = fixture.user("STAFF");
    const submission = { type: "BUG", title: "Briefs are stuck", description: "All of them." };
    await app.request("/api/agents", jsonRequest(token, submission));
    await app.request(path, jsonRequest(adminToken, body));
    await app.request("/api/agents", jsonRequest(token, submission));
    expect(fixture.callsOf("readTerms")).toHaveLength(2);
  });
});

describe("the platform's live stream", () => {
  const handshake = { upgrade: "websocket", connection: "Upgrade" };

  test("is handed to the platform with what the operator has seen, and without what he forged", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(adminToken, { ...handshake, [liveViewerHeader]: '{"after":7}' });
    await fixture.app().request("/api/agents/admin/live?after=12&incarnation=inc_1", { headers });
    expect(fixture.callsOf("openPlatformSocket")).toMatchObject([
      { argument: { person: "platform:root", after: 12, incarnation: "inc_1" } },
    ]);
    expect([...new Headers(fixture.upgrades[0]?.headers).keys()].sort()).toEqual(["connection", "upgrade"]);
  });

  test("needs an upgrade and a platform administrator", async () => {
    const fixture = new EdgeFixture();
    const app = fixture.app();
    expect((await app.request("/api/agents/admin/live", { headers: bearer(adminToken) })).status).toBe(426);
    const headers = bearer(fixture.user("ADMIN"), handshake);
    expect((await app.request("/api/agents/admin/live", { headers })).status).toBe(403);
    expect(fixture.calls).toEqual([]);
  });
});

test("a switch that was set under its key before is told as a repeated answer", async () => {
  const fixture = new EdgeFixture();
  const body = { scope: { kind: "platform" }, mode: "hold", reason: "Maintenance." };
  const ask = async () =>
    fixture.app().request("/api/agents/admin/switches", jsonRequest(adminToken, body, { "idempotency-key": "k1" }));
  expect((await ask()).headers.has("idempotency-replayed")).toBe(false);
  fixture.isReplay = true;
  const repeated = await ask();
  expect(repeated.status).toBe(201);
  expect(repeated.headers.get("idempotency-replayed")).toBe("true");
  expect(fixture.callsOf("setSwitch")).toMatchObject([
    { argument: { idempotency: { key: '["platform:root","k1"]' } } },
    { argument: { idempotency: { key: '["platform:root","k1"]' } } },
  ]);
});
