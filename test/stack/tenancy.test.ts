import { once } from "node:events";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueListSchema, reviewListSchema, submitResponseSchema } from "../../src/contracts/http-views.ts";
import { actingUserHeader, apiBasePath } from "../../src/contracts/http.ts";
import { liveTicketSchema } from "../../src/contracts/http-access.ts";
import { callApi, callerHeaders, requireApi } from "../../scripts/local/api-client.ts";
import { openLiveSocket } from "../../scripts/local/live-socket.ts";
import { eventsOf, readRows, replay, submitDefect, untilProjected, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

interface Party {
  readonly tenant: Tenant;
  readonly issueId: string;
}

let suite: StackSuite;
let parties: readonly [Party, Party];
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

/** Words of a tenant's own in its issue, by which its model calls are told from the other's. */
function remarkOf(tenant: Tenant): string {
  return `\n\nSeen at ${tenant.organization.name}.`;
}

describe("two organizations at once", () => {
  it("run at the same time", async () => {
    const tenants = [await suite.tenant(), await suite.tenant()] as const;
    const holds = tenants.map((tenant) =>
      suite.claude.holdBefore(
        (call) => call.agent === "briefs.status-workflow" && call.body.includes(remarkOf(tenant).trim()),
      ),
    );
    const [left, right] = [
      await submitDefect(tenants[0], remarkOf(tenants[0])),
      await submitDefect(tenants[1], remarkOf(tenants[1])),
    ];

    // Each work agent waits in a model call of its own: neither had to wait for the other's slice to end.
    const calls = await Promise.all(holds.map(async (hold) => hold.reached));
    expect(calls.map((call) => call.outcome)).toEqual(["waiting", "waiting"]);
    for (const hold of holds) hold.release();

    parties = [
      { tenant: tenants[0], issueId: left },
      { tenant: tenants[1], issueId: right },
    ];
    for (const { tenant, issueId } of parties) await untilStatus(tenant.staff, issueId, "REVIEW");
    const lanes = suite.workerLog.flatMap((line) => /QUEUE (?<lane>agent-jobs-\d)/u.exec(line)?.groups?.["lane"] ?? []);
    expect(new Set(lanes).size).toBeGreaterThanOrEqual(2);
  });

  it("find nothing of each other by id", async () => {
    for (const [{ tenant }, { issueId }] of pairs()) {
      const callers = [tenant.staff, tenant.lead, tenant.freelancer, tenant.admin];
      for (const caller of callers) {
        for (const path of ["", "/steps", "/logs", "/artifacts"]) {
          expect((await callApi(caller, "GET", `/${issueId}${path}`)).status).toBe(404);
        }
      }
    }
  });

  it("list their own alone", async () => {
    for (const [{ tenant, issueId }] of pairs()) {
      const { items } = await requireApi(tenant.lead, issueListSchema, "GET", "?limit=100");
      expect(items.map((item) => item.id)).toEqual([issueId]);
      const reviews = await requireApi(tenant.lead, reviewListSchema, "GET", "/reviews");
      expect(reviews.items.map((item) => item.issueId)).toEqual([issueId]);
    }
  });

  it("cannot read or decide each other's review", async () => {
    for (const [{ tenant }, other] of pairs()) {
      const { items } = await requireApi(other.tenant.lead, reviewListSchema, "GET", "/reviews");
      const [review] = items;
      expect(review).toBeDefined();
      const decision = { decision: "approve", contentHash: review?.contentHash };
      expect((await callApi(tenant.lead, "GET", `/reviews/${review?.id ?? ""}`)).status).toBe(404);
      expect((await callApi(tenant.lead, "POST", `/reviews/${review?.id ?? ""}`, decision)).status).toBe(404);
      expect((await callApi(tenant.admin, "POST", `/reviews/${review?.id ?? ""}`, decision)).status).toBe(404);
    }
  });

  it("see no event of each other, not even when they ask for the other's issue", async () => {
    for (const [{ tenant }, other] of pairs()) {
      const { items } = await requireApi(tenant.lead, issueListSchema, "GET", "?limit=100");
      const events = eventsOf(await replay(tenant.staff));
      expect(events.length).toBeGreaterThan(10);
      expect(new Set(events.map((event) => event.issueId))).toEqual(new Set(items.map((item) => item.id)));
      expect(JSON.stringify(events)).not.toContain(other.tenant.organization.name);

      const spying = await openLiveSocket(tenant.lead, { after: 0, issueId: other.issueId });
      const frames = [];
      const another = submitDefect(other.tenant);
      await untilStatus(other.tenant.staff, await another, "REVIEW");
      spying.close();
      for await (const frame of spying.frames) frames.push(frame);
      expect(frames.map((frame) => frame.kind)).toEqual(["hello"]);
    }
  });

  it("have rows of their own alone", async () => {
    for (const [{ tenant }, other] of pairs()) {
      await untilProjected(suite, tenant);
      const text = JSON.stringify(await readRows(suite, tenant.organization.id));
      expect(text).toContain(tenant.organization.name);
      expect(text).not.toContain(other.tenant.organization.name);
      expect(text).not.toContain(other.tenant.organization.id);
    }
  });

  it("show a freelancer the issues that he made, and none of the others", async () => {
    const [{ tenant, issueId }] = parties;
    expect((await callApi(tenant.freelancer, "GET", `/${issueId}`)).status).toBe(404);
    expect((await requireApi(tenant.freelancer, issueListSchema, "GET", "")).items).toEqual([]);

    const socket = await openLiveSocket(tenant.freelancer, { after: 0 });
    const question = { type: "QUESTION", title: "Where are holidays kept?", description: "Which file lists them?" };
    const { id: ownId } = await requireApi(tenant.freelancer, submitResponseSchema, "POST", "", question);
    await untilStatus(tenant.freelancer, ownId, "COMPLETED");
    socket.close();
    const frames = [];
    for await (const frame of socket.frames) frames.push(frame);
    expect(new Set(eventsOf(frames).map((event) => event.issueId))).toEqual(new Set([ownId]));
    expect((await callApi(tenant.staff, "GET", `/${ownId}`)).status).toBe(200);
  });
});

describe("a credential of any kind", () => {
  it("is an ERP API key, alone or for a user of its organization", async () => {
    for (const [{ tenant, issueId }, other] of pairs()) {
      const key = { url: tenant.staff.url, token: tenant.organization.apiKey.key };
      expect((await callApi(key, "GET", `/${issueId}`)).status).toBe(200);
      expect((await callApi(key, "GET", `/${other.issueId}`)).status).toBe(404);
      const actingFor = async (userId: string, id: string): Promise<number> => {
        const headers = { ...callerHeaders(key), [actingUserHeader]: userId };
        return (await fetch(`${key.url}${apiBasePath}/${id}`, { headers })).status;
      };
      expect(await actingFor(tenant.organization.users.STAFF.id, issueId)).toBe(200);
      expect(await actingFor(tenant.organization.users.CLIENT.id, issueId)).toBe(403);
      expect(await actingFor(other.tenant.organization.users.STAFF.id, other.issueId)).toBe(403);
    }
  });

  it("is an administrator's session, until he signs out", async () => {
    const [{ tenant }] = parties;
    const { url: origin, token } = tenant.admin;
    const address = `${origin}${apiBasePath}/admin/session`;
    const json = { "content-type": "application/json", origin };
    const signedIn = await fetch(address, { method: "POST", headers: json, body: JSON.stringify({ token }) });
    expect(signedIn.status).toBe(201);
    const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const read = async (): Promise<number> => (await fetch(address, { headers: { cookie } })).status;
    expect(await read()).toBe(200);
    expect((await fetch(address, { method: "DELETE", headers: { cookie } })).status).toBe(403);
    expect(await read()).toBe(200);
    expect((await fetch(address, { method: "DELETE", headers: { cookie, origin } })).status).toBe(204);
    expect(await read()).toBe(401);
  });

  it("is a ticket, which opens one socket", async () => {
    const [{ tenant, issueId }] = parties;
    const { ticket } = await requireApi(tenant.staff, liveTicketSchema, "POST", "/live/tickets", { issueId });
    const url = new URL(`${apiBasePath}/live?after=0&ticket=${ticket}`, tenant.staff.url.replace(/^http/u, "ws"));
    const first = new WebSocket(url);
    const message: readonly unknown[] = await once(first, "message");
    expect(String(message[0])).toContain('"hello"');
    const second = new WebSocket(url);
    await expect(once(second, "open")).rejects.toThrow("401");
    first.close();
  });
});

function pairs(): readonly (readonly [Party, Party])[] {
  const [left, right] = parties;
  return [
    [left, right],
    [right, left],
  ];
}
