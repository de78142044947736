import { describe, expect, test } from "vitest";
import { deadLetterListSchema, issueDetailSchema, problemSchema } from "../../src/contracts/http-views.ts";
import { newId } from "../../src/core/ids.ts";
import { adminToken, bearer, detailOf, EdgeFixture, issueRecord, jsonRequest, startMs } from "./http-fixture.ts";

const names = ["cancel", "pause", "resume", "retry"] as const;

function withIssue(fixture: EdgeFixture): string {
  const issue = issueRecord(fixture.organizationId);
  fixture.live.set(issue.id, detailOf(issue));
  return issue.id;
}

describe("commands on an issue", () => {
  test.each(names)("%s reaches the object in the caller's name, with or without a reason", async (name) => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const token = fixture.user("TEAM_LEAD", { userId: "user_lead" });
    const path = `/api/agents/${id}/${name}`;
    const response = await fixture.app().request(path, jsonRequest(token, { reason: " enough " }));
    expect(response.status).toBe(200);
    expect(issueDetailSchema.parse(await response.json()).id).toBe(id);
    await fixture.app().request(path, { method: "POST", headers: bearer(token) });
    const command = {
      organizationId: fixture.organizationId,
      issueId: id,
      visibility: { kind: "all" },
      authority: { kind: "all" },
      command: name,
      actor: "user_lead",
    };
    expect(fixture.callsOf("commandIssue").map(({ argument }) => argument)).toEqual([
      { ...command, reason: "enough" },
      { ...command, reason: null },
    ]);
  });

  test("are written down without the secrets that their reasons hold", async () => {
    const fixture = new EdgeFixture();
    const token = fixture.user("TEAM_LEAD");
    const order = jsonRequest(token, { reason: `it leaked ghp_${"a1B2c3D4e5F6".repeat(3)} to a client` });
    await fixture.app().request(`/api/agents/${withIssue(fixture)}/cancel`, order);
    expect(fixture.callsOf("commandIssue")).toMatchObject([
      { argument: { reason: "it leaked [REDACTED:github-token] to a client" } },
    ]);
  });

  test("are a submitter's for his own issues only, and a platform administrator's by name", async () => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const path = `/api/agents/${id}/cancel`;
    const staff = fixture.user("STAFF", { userId: "user_staff" });
    await fixture.app().request(path, jsonRequest(staff, {}));
    const freelancer = fixture.user("FREELANCER", { userId: "user_free" });
    await fixture.app().request(path, jsonRequest(freelancer, {}));
    const headers = { "x-organization-id": fixture.organizationId };
    await fixture.app().request(path, jsonRequest(adminToken, {}, headers));
    const own = (token: string, userId: string) => ({ kind: "own", userIds: [userId, token.split(".")[1]] });
    expect(fixture.callsOf("commandIssue").map(({ argument }) => argument)).toMatchObject([
      { visibility: { kind: "all" }, authority: own(staff, "user_staff"), actor: "user_staff" },
      { visibility: own(freelancer, "user_free"), authority: own(freelancer, "user_free") },
      { visibility: { kind: "all" }, authority: { kind: "all" }, actor: "root" },
    ]);
  });

  test.each([
    ["not_found", 404],
    ["forbidden", 403],
    ["conflict", 409],
  ] as const)("that the object refuses as %s answer %i", async (code, status) => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    fixture.commandFailure = { code, detail: "The issue has ended: COMPLETED." };
    const response = await fixture.app().request(`/api/agents/${id}/pause`, jsonRequest(fixture.user("ADMIN"), {}));
    expect(response.status).toBe(status);
    expect(problemSchema.parse(await response.json()).code).toBe(code);
  });

  test("of a malformed id, an unknown field, a long reason or a client go no further", async () => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const token = fixture.user("ADMIN");
    const post = async (path: string, body: unknown, by = token) =>
      (await fixture.app().request(`/api/agents/${path}`, jsonRequest(by, body))).status;
    expect(await post("nothing/cancel", {})).toBe(404);
    expect(await post(`${id}/cancel`, { why: "no" })).toBe(422);
    expect(await post(`${id}/cancel`, { reason: "x".repeat(501) })).toBe(422);
    expect(await post(`${id}/cancel`, {}, fixture.user("CLIENT"))).toBe(403);
    expect(fixture.callsOf("commandIssue")).toEqual([]);
  });
});

describe("dead letters", () => {
  const letterAt = (failedAtMs: number) => ({
    kind: "job" as const,
    id: newId("job", failedAtMs),
    issueId: newId("issue", failedAtMs),
    failedAtMs,
    error: { reason: "poison", message: "It silenced every slice." },
    redrivenAtMs: null,
  });

  test("are listed in pages for a platform administrator in the organization that he names", async () => {
    const fixture = new EdgeFixture();
    fixture.deadLetters = [letterAt(startMs + 2), letterAt(startMs + 1), letterAt(startMs)];
    const headers = bearer(adminToken, { "x-organization-id": fixture.organizationId });
    const first = await fixture.app().request("/api/agents/admin/dead-letters?limit=2", { headers });
    const page = deadLetterListSchema.parse(await first.json());
    expect(page.items).toMatchObject([{ failedAt: "2026-11-22T00:00:00.002Z", redrivenAt: null }, {}]);
    await fixture.app().request(`/api/agents/admin/dead-letters?limit=2&cursor=${page.nextCursor ?? ""}`, { headers });
    const { organizationId } = fixture;
    expect(fixture.callsOf("listDeadLetters")).toMatchObject([
      { organizationId, argument: { before: null, limit: 3 } },
      { organizationId, argument: { before: { failedAtMs: startMs + 1, id: page.items[1]?.id }, limit: 3 } },
    ]);
  });

  test("are nobody else's to read, and need an organization", async () => {
    const fixture = new EdgeFixture();
    const path = "/api/agents/admin/dead-letters";
    const asked = async (headers: Record<string, string>) => (await fixture.app().request(path, { headers })).status;
    expect(await asked(bearer(fixture.user("ADMIN")))).toBe(403);
    expect(await asked(bearer(adminToken))).toBe(422);
    expect(fixture.callsOf("listDeadLetters")).toEqual([]);
  });
});
