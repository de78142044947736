/**
 * Every route of the edge over the real objects, for everyone of two organizations, with ids that are his own, the other
 * organization's, nobody's and no ids at all. Routes come from the table that the edge enforces; a new one is walked here
 * as soon as it is in it.
 */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { transportEventTypes } from "../../src/contracts/events.ts";
import type { PermissionLevel } from "../../src/contracts/records.ts";
import { newId } from "../../src/core/ids.ts";
import { createObjectClients, forwardLiveUpgrade, forwardPlatformUpgrade } from "../../src/durable-objects/clients.ts";
import { createApp } from "../../src/http/app.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { routeAccess } from "../../src/http/route-access.ts";
import { adminToken, bearer, detailOf, EdgeFixture, issueRecord, validSubmission } from "../node/http-fixture.ts";
import { sampleBodies } from "../support/contract-sample.ts";
import {
  allEvents,
  checkpointOf,
  claim,
  codeChange,
  modelStep,
  nextJobMessage,
  objectOf,
  promptOver,
  runJob,
  submit,
  termsFor,
  triaged,
} from "./organization-driver.ts";

/** Each walk is some hundred requests. */
const walkMaxMs = 20_000;

const levels: readonly PermissionLevel[] = ["ADMIN", "LEADERSHIP", "TEAM_LEAD", "STAFF", "FREELANCER", "CLIENT"];
const everyScope = ["agents:read", "agents:write", "agents:review"];

interface Tenant {
  readonly organizationId: string;
  /** Stands in every text of the organization's. */
  readonly mark: string;
  readonly issueId: string;
  readonly reviewId: string;
  /** Of an issue that has left the object: only Postgres knows it. */
  readonly leftIssueId: string;
  readonly freelancerIssueId: string;
  readonly userIds: readonly string[];
  readonly callers: readonly Caller[];
}

interface Caller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sees his own issues only. */
  readonly isFreelancer: boolean;
}

const fixture = new EdgeFixture();
fixture.nowMs = Date.now();
const objects = {
  objects: createObjectClients(env),
  openLiveSocket: (upgrade: Request, viewer: Parameters<typeof forwardLiveUpgrade>[2]) =>
    forwardLiveUpgrade(env, upgrade, viewer),
  openPlatformSocket: (upgrade: Request, viewer: Parameters<typeof forwardPlatformUpgrade>[2]) =>
    forwardPlatformUpgrade(env, upgrade, viewer),
};
const app = createApp({ ...fixture.ports(), ...objects });
/** The same edge in an isolate that cannot reach Postgres: a claim is all that it knows of anyone. */
const away = (): Promise<never> => Promise.reject(new Error("Postgres is away"));
const claimsOnly = createApp({
  ...fixture.ports(),
  ...objects,
  identities: { findBySubject: away, findKey: away },
});

function ask(path: string, init: RequestInit, isClaimOnly = false): Promise<Response> {
  return Promise.resolve((isClaimOnly ? claimsOnly : app).request(`https://edge${path}`, init));
}

function jsonInit(headers: Readonly<Record<string, string>>, body: unknown): RequestInit {
  return { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** An issue with a step, an artifact and an open review; its mark stands in each of them. */
async function markedReview(organizationId: string, mark: string) {
  const terms = termsFor(organizationId, { issuesPerHour: 1_000, issuesPerDay: 1_000 });
  const { issueId } = await submit(organizationId, { terms, title: `Title ${mark}`, description: `Text ${mark}` });
  await runJob(organizationId, 0, triaged);
  const assignment = await claim(await nextJobMessage(organizationId, 1));
  const slice = { organizationId, jobId: assignment.job.id, epoch: assignment.epoch };
  const prompt = promptOver({ baseCommit: "c0ffee", baseBranch: "main" });
  const organization = objectOf(organizationId);
  await organization.beginAttempt({ ...slice, attempt: 1, prompt, firstMessage: mark });
  const steps = [{ ...modelStep(assignment, 1), input: `In ${mark}`, output: `Out ${mark}` }];
  expect(await organization.checkpoint(checkpointOf(assignment, { attempt: 1, steps }))).toMatchObject({
    accepted: true,
  });
  const artifacts = [codeChange({ name: `Change ${mark}`, content: `Why ${mark}` })];
  await organization.finish({ ...slice, outcome: { role: "work", summary: `Done ${mark}` }, artifacts });
  await runJob(organizationId, 2, { role: "review", decision: "pass", summary: `Seen ${mark}` });
  const query = { organizationId, status: ["OPEN"], before: null, limit: 10 } as const;
  const { matching } = await organization.listUnprojectedReviews(query);
  return { issueId, reviewId: matching[0]?.id ?? "" };
}

async function makeTenant(name: string): Promise<Tenant> {
  const mark = `${name}-${crypto.randomUUID()}`;
  const organizationId = `org-${mark}`;
  await objects.objects.platform().putOrganization({
    organizationId,
    tier: "enterprise",
    slug: null,
    repository: null,
    limitOverrides: { limits: { issuesPerHour: 1_000 }, expiresAtMs: null },
    actor: { kind: "platform", name: "root" },
  });
  const { issueId, reviewId } = await markedReview(organizationId, mark);
  const left = issueRecord(organizationId, { title: `Left ${mark}`, description: mark });
  fixture.stored.set(left.id, detailOf(left));
  const users = levels.map((level) => ({ level, token: fixture.user(level, { organizationId }) }));
  const userIdOf = (token: string): string => fixture.rows.get(token.split(".")[1] ?? "")?.userId ?? "";
  const freelancer = users.find(({ level }) => level === "FREELANCER")?.token ?? "";
  const acting = (scopes: readonly string[], token: string) =>
    bearer(fixture.key(scopes, { organizationId }), { "x-acting-user-id": userIdOf(token) });
  const submitted = await ask("/api/agents", jsonInit(bearer(freelancer), { ...validSubmission, title: mark }));
  const { id: freelancerIssueId } = await submitted.json<{ id: string }>();
  const callers: Caller[] = [
    ...users.map(({ level, token }) => ({
      name: level,
      headers: bearer(token),
      isFreelancer: level === "FREELANCER",
    })),
    { name: "key", headers: bearer(fixture.key(everyScope, { organizationId })), isFreelancer: false },
    { name: "key for ADMIN", headers: acting(everyScope, users[0]?.token ?? ""), isFreelancer: false },
    { name: "key for FREELANCER", headers: acting(everyScope, freelancer), isFreelancer: true },
    { name: "reading key", headers: bearer(fixture.key(["agents:read"], { organizationId })), isFreelancer: false },
    { name: "claim", headers: bearer(fixture.stranger(organizationId)), isFreelancer: true },
    { name: "platform", headers: bearer(adminToken, { "x-organization-id": organizationId }), isFreelancer: false },
    { name: "nobody", headers: {}, isFreelancer: false },
  ];
  const userIds = users.map(({ token }) => userIdOf(token));
  return { organizationId, mark, issueId, reviewId, leftIssueId: left.id, freelancerIssueId, userIds, callers };
}

/** Everything by which an answer would tell of a tenant. */
function tracesOf({ mark, issueId, reviewId, leftIssueId, freelancerIssueId, userIds }: Tenant): readonly string[] {
  return [mark, issueId, reviewId, leftIssueId, freelancerIssueId, ...userIds];
}

/** What happened in an organization but for how its work was carried, which goes on by itself. */
async function decidedEvents(organizationId: string) {
  return (await allEvents(organizationId)).filter(({ type }) => !transportEventTypes.has(type));
}

/** Bodies whose meaning matters: whatever else takes one gets the smallest that the contract allows. */
const meantBodies: Readonly<Record<string, unknown>> = {
  "POST /api/agents": validSubmission,
  "POST /api/agents/admin": { action: "resume", scope: { kind: "organization" }, reason: "Maintenance is over." },
  "POST /api/agents/admin/switches": {
    scope: { kind: "organization", value: "org-none" },
    mode: "hold",
    reason: "Maintenance.",
  },
};
const contract = await app.request("https://edge/api/agents/openapi.json");
const bodies = new Map([
  ...sampleBodies(z.custom<OpenApiDocument>().parse(await contract.json())),
  ...Object.entries(meantBodies),
]);

const routes = [...routeAccess].map(([route, access]) => {
  const [method = "", path = ""] = route.split(" ");
  return { route, method, path, access };
});
const routesWithId = routes.filter(({ path }) => path.includes(":id"));

/** What the id of a route names; each tenant has one of it. */
function idsOf(path: string, own: Tenant, other: Tenant) {
  if (path.includes("/reviews/")) {
    return { own: own.reviewId, foreign: [other.reviewId], random: newId("review", Date.now()) };
  }
  if (path.includes("/admin/organizations/")) {
    return { own: own.organizationId, foreign: [other.organizationId], random: `org-${crypto.randomUUID()}` };
  }
  if (path.includes("/admin/switches/")) {
    return { own: newId("switch", 1), foreign: [newId("switch", 2)], random: newId("switch", Date.now()) };
  }
  if (path.includes("/admin/sessions/")) {
    return { own: newId("session", 1), foreign: [newId("session", 2)], random: newId("session", Date.now()) };
  }
  const foreign = [other.issueId, other.freelancerIssueId, other.leftIssueId];
  return { own: own.issueId, foreign, random: newId("issue", Date.now()) };
}

/** What anyone may read is the same for everyone, so it is read once. */
function routesFor({ name }: Caller) {
  return routes.filter(({ path, access }) => !path.includes(":id") && (access.kind !== "public" || name === "nobody"));
}

const malformedIds = ["x", "iss_", "..%2f..%2fadmin", "%F0%9F%92%A5", "'%20OR%20'1'='1", "a".repeat(300)];

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: readonly (readonly [string, string])[];
}

const platformQuery = (route: string): string =>
  route === "DELETE /api/agents/admin/switches/:id" ? "?reason=Maintenance" : "";

async function answerOf(caller: Caller, route: string, path: string): Promise<Answer> {
  const [method = ""] = route.split(" ");
  const body = bodies.get(route);
  const init: RequestInit =
    body === undefined ? { method, headers: caller.headers } : { ...jsonInit(caller.headers, body), method };
  const response = await ask(`${path}${platformQuery(route)}`, init, caller.name === "claim");
  const requestId = response.headers.get("x-request-id") ?? "none";
  const text = (await response.text()).replaceAll(requestId, "<request>");
  const headers = [...response.headers].filter(([name]) => name !== "x-request-id" && name !== "set-cookie");
  return { status: response.status, text, headers };
}

/** What an answer tells of a tenant: it must be nothing. */
function tracesIn({ text, headers }: Answer, of: Tenant): readonly string[] {
  const whole = text + JSON.stringify(headers);
  return tracesOf(of).filter((trace) => whole.includes(trace));
}

/** Operators see the directory of all organizations and set what concerns them: there no id is foreign to them. */
function isOperators(caller: Caller, route: string): boolean {
  return caller.name === "platform" && routeAccess.get(route)?.kind === "platform";
}

let tenants: readonly [Tenant, Tenant];
beforeAll(async () => {
  tenants = [await makeTenant("ash"), await makeTenant("birch")];
}, 30_000);
afterAll(reset);

const sides = [
  ["the first of two organizations", 0, 1],
  ["the second", 1, 0],
] as const;

test("every route that changes something has a body to be asked with", () => {
  const taking = routes.filter(({ method }) => method === "POST" || method === "PUT").map(({ route }) => route);
  expect([...bodies.keys()].sort()).toEqual(taking.sort());
});

describe.each(sides)("for everyone of %s", { timeout: walkMaxMs }, (_name, mine, others) => {
  const ownSide = () => tenants[mine];
  const otherSide = () => tenants[others];

  test.each(routesWithId.map(({ route, path }) => [route, path] as const))(
    "%s answers a foreign id like a missing one",
    async (route, path) => {
      const [own, other] = [ownSide(), otherSide()];
      const before = await decidedEvents(other.organizationId);
      const ids = idsOf(path, own, other);
      for (const [position, caller] of own.callers.entries()) {
        const where = `${caller.name}: ${route}`;
        const missing = await answerOf(caller, route, path.replace(":id", ids.random));
        expect({ where, found: tracesIn(missing, other) }).toEqual({ where, found: [] });
        for (const id of isOperators(caller, route) ? [] : ids.foreign) {
          const foreign = await answerOf(caller, route, path.replace(":id", id));
          expect({ where, ...foreign }).toEqual({ where, ...missing });
          expect({ where, found: tracesIn(foreign, other) }).toEqual({ where, found: [] });
        }
        const malformed = malformedIds[position % malformedIds.length] ?? "";
        const answer = await answerOf(caller, route, path.replace(":id", malformed));
        expect({ where, found: tracesIn(answer, other) }).toEqual({ where, found: [] });
        const isRefused = isOperators(caller, route) || (answer.status >= 400 && answer.status !== 500);
        expect({ where, malformed, isRefused }).toEqual({ where, malformed, isRefused: true });
      }
      expect(await decidedEvents(other.organizationId)).toEqual(before);
    },
  );

  test("no id and no filter finds anything of the other organization", async () => {
    const [own, other] = [ownSide(), otherSide()];
    const filters = [`externalId=${other.mark}`, `createdById=${other.userIds[3]}`, `text=${other.mark}`];
    for (const caller of own.callers) {
      for (const { route, path } of routesFor(caller)) {
        const isList = route === "GET /api/agents" || route === "GET /api/agents/reviews";
        for (const query of isList ? ["", ...filters.map((filter) => `?${filter}`)] : [""]) {
          const answer = await answerOf(caller, route, `${path}${query}`);
          // What a caller has sent may stand in the answer: he knew it.
          if (query !== "" && answer.status !== 200) continue;
          expect({ where: `${caller.name}: ${route}${query}`, found: tracesIn(answer, other) }).toEqual({
            where: `${caller.name}: ${route}${query}`,
            found: [],
          });
        }
      }
    }
  });

  test("what is theirs is found, so that what is not would be too", async () => {
    const own = ownSide();
    const paths = [
      "",
      `/${own.issueId}`,
      `/${own.issueId}/steps`,
      `/${own.issueId}/artifacts`,
      "/reviews",
      `/reviews/${own.reviewId}`,
    ];
    for (const caller of own.callers.filter(({ name }) =>
      ["ADMIN", "STAFF", "reading key", "platform"].includes(name),
    )) {
      for (const path of paths) {
        const { status, text } = await answerOf(caller, "GET", `/api/agents${path}`);
        const isFound = status === 200 && tracesOf(own).some((trace) => text.includes(trace));
        expect({ caller: caller.name, path, isFound }).toEqual({ caller: caller.name, path, isFound: true });
      }
    }
  });

  test("a freelancer finds what he submitted, and a colleague's issue like a missing one", async () => {
    const own = ownSide();
    for (const caller of own.callers.filter(({ isFreelancer }) => isFreelancer)) {
      for (const { route, path } of routesWithId.filter((each) => each.path.startsWith("/api/agents/:id"))) {
        const missing = await answerOf(caller, route, path.replace(":id", newId("issue", Date.now())));
        expect(await answerOf(caller, route, path.replace(":id", own.issueId))).toEqual(missing);
      }
    }
    const freelancer = own.callers.find(({ name }) => name === "FREELANCER");
    if (freelancer === undefined) throw new Error("there is no freelancer");
    expect((await answerOf(freelancer, "GET", `/api/agents/${own.freelancerIssueId}`)).status).toBe(200);
    const list = await answerOf(freelancer, "GET", "/api/agents?limit=100");
    expect(list.text).toContain(own.freelancerIssueId);
    expect(list.text).not.toContain(own.issueId);
  });

  test("a header or a key's user of the other organization changes nothing", async () => {
    const [own, other] = [ownSide(), otherSide()];
    const staff = own.callers.find(({ name }) => name === "STAFF");
    const key = own.callers.find(({ name }) => name === "key");
    if (staff === undefined || key === undefined) throw new Error("a caller is missing");
    const asking = (caller: Caller, headers: Record<string, string>) =>
      answerOf({ ...caller, headers: { ...caller.headers, ...headers } }, "GET", `/api/agents/${other.issueId}`);
    const misled = await asking(staff, { "x-organization-id": other.organizationId });
    expect(misled).toEqual(await asking(staff, {}));
    const foreignUser = await asking(key, { "x-acting-user-id": other.userIds[0] ?? "" });
    expect(foreignUser).toEqual(await asking(key, { "x-acting-user-id": "nobody" }));
    expect(foreignUser.status).toBe(403);
  });

  test("a live socket tells nothing of the other organization, asked for or not", async () => {
    const [own, other] = [ownSide(), otherSide()];
    for (const caller of own.callers.filter(({ name }) => ["ADMIN", "FREELANCER", "key", "platform"].includes(name))) {
      for (const query of ["?after=0", `?after=0&issueId=${other.issueId}`]) {
        const headers = { ...caller.headers, upgrade: "websocket" };
        const { webSocket } = await ask(`/api/agents/live${query}`, { headers });
        if (webSocket === null) throw new Error(`${caller.name} got no socket`);
        const frames: string[] = [];
        webSocket.addEventListener("message", ({ data }) => void frames.push(String(data)));
        webSocket.accept();
        const enough = caller.name === "FREELANCER" || query.includes("issueId") ? 1 : 2;
        await vi.waitUntil(() => frames.length >= enough);
        webSocket.close();
        const told = tracesIn({ status: 101, text: frames.join("\n"), headers: [] }, other);
        expect({ caller: caller.name, query, told }).toEqual({ caller: caller.name, query, told: [] });
      }
    }
  });

  test("an idempotency key means nothing in the other organization, and nothing to a colleague", async () => {
    const submitAs = async (tenant: Tenant, name: string): Promise<{ id: string; isReplay: boolean }> => {
      const caller = tenant.callers.find((one) => one.name === name);
      const headers = { ...caller?.headers, "idempotency-key": `shared-${mine}` };
      const response = await ask("/api/agents", jsonInit(headers, validSubmission));
      expect(response.status).toBe(202);
      const { id } = await response.json<{ id: string }>();
      return { id, isReplay: response.headers.get("idempotency-replayed") === "true" };
    };
    const first = await submitAs(ownSide(), "STAFF");
    const foreign = await submitAs(otherSide(), "STAFF");
    const colleague = await submitAs(ownSide(), "FREELANCER");
    expect([first, foreign, colleague].map(({ isReplay }) => isReplay)).toEqual([false, false, false]);
    expect(new Set([first.id, foreign.id, colleague.id]).size).toBe(3);
    // Once more by the same person is the same issue, also when a key acts in his name.
    expect(await submitAs(ownSide(), "STAFF")).toEqual({ id: first.id, isReplay: true });
    expect(await submitAs(ownSide(), "key for FREELANCER")).toEqual({ id: colleague.id, isReplay: true });
  });
});
