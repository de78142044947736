import { decodeJwt, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { liveTicketSchema } from "../../src/contracts/http-access.ts";
import { newId } from "../../src/core/ids.ts";
import { adminToken, allowedOrigin, bearer, EdgeFixture, jsonRequest, startMs } from "./http-fixture.ts";

const handshake = { upgrade: "websocket" };
const minuteMs = 60_000;

async function ticketOf(fixture: EdgeFixture, headers: Record<string, string>): Promise<string> {
  const response = await fixture.app().request("/api/agents/live/tickets", { method: "POST", headers });
  expect(response.status).toBe(201);
  const { ticket, expiresAt } = liveTicketSchema.parse(await response.json());
  expect(Date.parse(expiresAt)).toBe(fixture.nowMs + 30_000);
  return ticket;
}

async function open(fixture: EdgeFixture, ticket: string, headers: Record<string, string> = {}): Promise<number> {
  const url = `/api/agents/live?after=7&ticket=${encodeURIComponent(ticket)}`;
  return (await fixture.app().request(url, { headers: { ...handshake, ...headers } })).status;
}

const viewersOf = (fixture: EdgeFixture) => fixture.callsOf("openLiveSocket").map(({ argument }) => argument);

describe("a ticket", () => {
  test("opens one socket with what its caller may see, until his token ends", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("FREELANCER", { userId: "user_7" });
    const ticket = await ticketOf(fixture, bearer(token));
    expect(await open(fixture, ticket)).toBe(200);
    expect(viewersOf(fixture)).toMatchObject([
      {
        organizationId: fixture.organizationId,
        person: "user:user_7",
        visibility: { kind: "own", userIds: ["user_7", token.split(".")[1]] },
        closesAtMs: startMs + 24 * 60 * minuteMs,
        after: 7,
        issueId: null,
        ticket: { expiresAtMs: startMs + 30_000 },
      },
    ]);
    expect(await open(fixture, ticket)).toBe(401);
  });

  test("may be for one issue, whatever its holder asks for then", async () => {
    const fixture = new EdgeFixture();
    const [one, other] = [newId("issue", startMs), newId("issue", startMs)];
    const request = jsonRequest(fixture.user("STAFF"), { issueId: one });
    const app = fixture.app();
    const { ticket } = liveTicketSchema.parse(await (await app.request("/api/agents/live/tickets", request)).json());
    await app.request(`/api/agents/live?issueId=${other}&ticket=${ticket}`, { headers: handshake });
    expect(viewersOf(fixture)).toMatchObject([{ issueId: one }]);
  });

  test("is good for 30 s", async () => {
    const fixture = new EdgeFixture();
    const ticket = await ticketOf(fixture, bearer(fixture.user("STAFF")));
    fixture.nowMs += 30_000;
    expect(await open(fixture, ticket)).toBe(401);
    expect(viewersOf(fixture)).toEqual([]);
  });

  test.each([
    ["an API key", (fixture: EdgeFixture) => bearer(fixture.key(["agents:read"]))],
    [
      "an administrator's token",
      (fixture: EdgeFixture) => bearer(adminToken, { "x-organization-id": fixture.organizationId }),
    ],
  ])("closes its socket after 15 min when it was got with %s, however late it is used", async (_name, headersOf) => {
    const fixture = new EdgeFixture();
    const ticket = await ticketOf(fixture, headersOf(fixture));
    fixture.nowMs += 29_000;
    expect(await open(fixture, ticket)).toBe(200);
    expect(viewersOf(fixture)).toMatchObject([{ closesAtMs: startMs + 15 * minuteMs, visibility: { kind: "all" } }]);
  });

  test("is needed for no caller who shows his own credential; that one's end counts", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.key(["agents:read"]), handshake);
    await fixture.app().request("/api/agents/live", { headers });
    expect(viewersOf(fixture)).toMatchObject([{ closesAtMs: startMs + 15 * minuteMs, ticket: null }]);
  });

  test("is refused when anything of it was made up, before any object is asked", async () => {
    const fixture = new EdgeFixture();
    const ticket = await ticketOf(fixture, bearer(fixture.user("STAFF")));
    const [header = "", payload = "", signature = ""] = ticket.split(".");
    const claims = decodeJwt(ticket);
    const forgedPayload = Buffer.from(JSON.stringify({ ...claims, org: "org_other" })).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "live-ticket+jwt" })).toString("base64url");
    const otherKey = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "live-ticket+jwt" })
      .sign(new Uint8Array(32).fill(2));
    const otherKind = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(new Uint8Array(32).fill(1));
    const forged = ["", "x", `${header}.${forgedPayload}.${signature}`, `${none}.${payload}.`, otherKey, otherKind];
    for (const text of forged) expect(await open(fixture, text)).toBe(401);
    expect(await open(fixture, "x".repeat(5_000))).toBe(422);
    expect(viewersOf(fixture)).toEqual([]);
  });

  test("is no credential for anything else", async () => {
    const fixture = new EdgeFixture();
    const ticket = await ticketOf(fixture, bearer(fixture.user("ADMIN")));
    const app = fixture.app();
    expect((await app.request(`/api/agents?ticket=${ticket}`)).status).toBe(401);
    expect((await app.request("/api/agents", { headers: bearer(ticket) })).status).toBe(401);
    expect((await app.request(`/api/agents/live?ticket=${ticket}`)).status).toBe(426);
  });
});

describe("an upgrade", () => {
  test.each([
    ["the Worker's own", "http://localhost", 200],
    ["an allowed origin", allowedOrigin, 200],
    ["another origin", "https://evil.example", 403],
    ["an allowed origin's subdomain", "https://a.erp.example", 403],
    ["no origin to speak of", "null", 403],
  ])("from a page of %s is answered so", async (_name, origin, status) => {
    const fixture = new EdgeFixture();
    const token = fixture.user("STAFF");
    expect(await open(fixture, await ticketOf(fixture, bearer(token)), { origin })).toBe(status);
    const direct = await fixture
      .app()
      .request("/api/agents/live", { headers: bearer(token, { ...handshake, origin }) });
    expect(direct.status).toBe(status);
    expect(viewersOf(fixture)).toHaveLength(status === 200 ? 2 : 0);
  });
});
