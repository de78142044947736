/** What an organization may submit, over the whole edge and the real objects, for callers who try to get more. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { PutOrganization } from "../../src/contracts/platform-rpc.ts";
import { batchResponseSchema } from "../../src/contracts/http-views.ts";
import { createObjectClients } from "../../src/durable-objects/clients.ts";
import { adminToken, bearer, EdgeFixture, validSubmission } from "../node/http-fixture.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
const clients = createObjectClients(env);
const json = { "content-type": "application/json" };
const body = JSON.stringify(validSubmission);

/** An edge in an isolate of its own, before an organization with these limits. */
async function world(limits: PutOrganization["limitOverrides"]["limits"]) {
  const fixture = new EdgeFixture();
  const { organizationId } = fixture;
  await clients.platform().putOrganization({
    organizationId,
    tier: "pro",
    slug: null,
    repository: null,
    limitOverrides: { limits, expiresAtMs: null },
    actor: { kind: "platform", name: "root" },
  });
  const isolate = () => fixture.app({ objects: clients, clock: testClock });
  const app = isolate();
  const post = async (headers: Record<string, string>, path = "/api/agents", at = app): Promise<number> =>
    (await at.request(path, { method: "POST", headers: { ...headers, ...json }, body })).status;
  return { fixture, organizationId, app, isolate, post };
}

const countOf = (statuses: readonly number[], status: number): number =>
  statuses.filter((each) => each === status).length;

describe.each([
  ["the hourly rate", { issuesPerHour: 3, issuesPerDay: 1_000 }],
  ["the daily quota", { issuesPerHour: 1_000, issuesPerDay: 3 }],
])("%s", (_name, limits) => {
  test("is the organization's, however many credentials and isolates ask at once", async () => {
    const { fixture, organizationId, isolate, post } = await world(limits);
    const isolates = [isolate(), isolate(), isolate()];
    const credentials = [
      ...Array.from({ length: 12 }, () => bearer(fixture.user("STAFF"))),
      bearer(fixture.user("ADMIN")),
      bearer(fixture.user("FREELANCER")),
      bearer(fixture.key(["agents:write"])),
      bearer(fixture.key(["agents:write"])),
      bearer(adminToken, { "x-organization-id": organizationId }),
      bearer(fixture.user("STAFF"), { "x-organization-id": "org_another" }),
    ];
    const statuses = await Promise.all(
      credentials.map((headers, index) => post(headers, "/api/agents", isolates[index % isolates.length])),
    );
    expect(countOf(statuses, 202)).toBe(3);
    expect(countOf(statuses, 429)).toBe(credentials.length - 3);
  });

  test("is not passed by another way to write the address or the credential", async () => {
    const { fixture, post } = await world(limits);
    const token = fixture.user("STAFF");
    for (let made = 0; made < 3; made += 1) expect(await post(bearer(token))).toBe(202);
    const counted = ["/api/agents", "/api/agents/", "/api/agents?", "/api/%61gents"];
    for (const path of counted) expect([path, await post(bearer(token), path)]).toEqual([path, 429]);
    for (const scheme of ["bearer", "BEARER", "Bearer  "]) {
      expect(await post({ authorization: `${scheme} ${token}` })).toBe(429);
    }
    const served = ["/API/AGENTS", "/api/Agents", "/api//agents", "//api/agents", "/api/agents//", "/api/agents/."];
    for (const path of served) {
      const status = await post(bearer(token), path);
      expect([path, [401, 404, 405, 429].includes(status)]).toEqual([path, true]);
    }
  });

  test("is not passed by requests that all wait with their last byte", async () => {
    const { fixture, app } = await world(limits);
    const bytes = new TextEncoder().encode(body);
    const senders: ReadableStreamDefaultController<Uint8Array>[] = [];
    const answers = Array.from({ length: 20 }, async () => {
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => {
          senders.push(controller);
          controller.enqueue(bytes.subarray(0, -1));
        },
      });
      const headers = { ...bearer(fixture.user("STAFF")), ...json };
      return app.request(new Request("https://edge/api/agents", { method: "POST", headers, body: stream }));
    });
    for (const sender of senders) sender.enqueue(bytes.subarray(-1));
    for (const sender of senders) sender.close();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(countOf(statuses, 202)).toBe(3);
    expect(countOf(statuses, 429)).toBe(17);
  });

  test("is not freed by requests that are refused, and one key counts once", async () => {
    const { fixture, app, post } = await world(limits);
    const token = fixture.user("STAFF");
    const keyed = { ...bearer(token), "idempotency-key": "once" };
    const repeated = await Promise.all(Array.from({ length: 10 }, () => post(keyed)));
    expect(countOf(repeated, 202)).toBe(10);
    const invalid = { method: "POST", headers: { ...bearer(token), ...json }, body: "{}" };
    expect((await app.request("/api/agents", invalid)).status).toBe(422);
    expect([await post(bearer(token)), await post(bearer(token)), await post(bearer(token))]).toEqual([202, 202, 429]);
    expect(await post({ ...keyed, "idempotency-key": "twice" })).toBe(429);
  });
});

describe("a batch", () => {
  test("counts each of its issues, in order, and takes no more than is left", async () => {
    const { fixture, app, post } = await world({ issuesPerHour: 3, issuesPerDay: 1_000 });
    const token = fixture.user("STAFF");
    expect(await post(bearer(token))).toBe(202);
    const batch = async (): Promise<readonly number[]> => {
      const issues = Array.from({ length: 5 }, () => validSubmission);
      const order = { method: "POST", headers: { ...bearer(token), ...json }, body: JSON.stringify({ issues }) };
      const response = await app.request("/api/agents/batch", order);
      return batchResponseSchema.parse(await response.json()).results.map(({ status }) => status);
    };
    expect(await batch()).toEqual([202, 202, 429, 429, 429]);
    expect(await batch()).toEqual([429, 429, 429, 429, 429]);
    expect(await post(bearer(token))).toBe(429);
    advanceMs(hourMs);
    const both = (await Promise.all([batch(), batch()])).flat();
    expect(countOf(both, 202)).toBe(3);
  });
});

describe("at the edge of a window", () => {
  test("the hour slides: what was submitted before it makes room, one by one", async () => {
    const { fixture, post } = await world({ issuesPerHour: 2, issuesPerDay: 1_000 });
    const token = fixture.user("STAFF");
    expect(await post(bearer(token))).toBe(202);
    advanceMs(hourMs / 2);
    expect(await post(bearer(token))).toBe(202);
    advanceMs(hourMs / 2 - 5_000);
    expect(await post(bearer(token))).toBe(429);
    advanceMs(5_000);
    expect([await post(bearer(token)), await post(bearer(token))]).toEqual([202, 429]);
  });

  test("the turn of a clock hour frees nothing; the UTC day does, once", async () => {
    const { fixture, post } = await world({ issuesPerHour: 1_000, issuesPerDay: 2 });
    const token = fixture.user("STAFF");
    advanceMs(dayMs - (testClock.nowMs() % dayMs) - 60_000);
    expect([await post(bearer(token)), await post(bearer(token)), await post(bearer(token))]).toEqual([202, 202, 429]);
    advanceMs(120_000);
    const next = await Promise.all(Array.from({ length: 6 }, () => post(bearer(token))));
    expect(countOf(next, 202)).toBe(2);
  });
});

describe("an API key's own rate", () => {
  test("holds for reading and writing together, in however many users' names, and leaves others alone", async () => {
    const { fixture, app } = await world({ issuesPerHour: 1_000, issuesPerDay: 1_000 });
    const key = fixture.key(["agents:read", "agents:write"], { requestsPerHour: 5 });
    const names = ["STAFF", "FREELANCER"].map(
      (level) => fixture.rows.get(fixture.user(level === "STAFF" ? "STAFF" : "FREELANCER").split(".")[1] ?? "")?.userId,
    );
    const headers = [bearer(key), ...names.map((userId) => bearer(key, { "x-acting-user-id": userId ?? "" }))];
    const statuses = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const credential = headers[index % headers.length] ?? {};
        const isWrite = index % 2 === 0;
        const request = isWrite
          ? { method: "POST", headers: { ...credential, ...json }, body }
          : { headers: credential };
        return (await app.request("/api/agents", request)).status;
      }),
    );
    expect(countOf(statuses, 429)).toBe(7);
    expect((await app.request("/api/agents", { headers: bearer(fixture.user("STAFF")) })).status).toBe(200);
    const other = fixture.key(["agents:read"], { requestsPerHour: 5 });
    expect((await app.request("/api/agents", { headers: bearer(other) })).status).toBe(200);
    advanceMs(hourMs);
    expect((await app.request("/api/agents", { headers: bearer(key) })).status).toBe(200);
  });
});
