import { describe, expect, test } from "vitest";
import { problemSchema, transcriptSchema } from "../../src/contracts/http-views.ts";
import { newId } from "../../src/core/ids.ts";
import { bearer, detailOf, EdgeFixture, issueRecord, jsonRequest, startMs } from "./http-fixture.ts";

function withIssue(fixture: EdgeFixture): string {
  const issue = issueRecord(fixture.organizationId);
  fixture.live.set(issue.id, detailOf(issue));
  return issue.id;
}

const jobId = newId("job", startMs);

describe("POST /:id/retry", () => {
  test.each([
    [{ fromStep: 3 }, { fromStep: 3, jobId: null, attempt: null, model: null, note: null }],
    [
      { fromStep: 3, jobId, attempt: 2, model: "sonnet", note: " Mind the tests. ", reason: "a better model" },
      { fromStep: 3, jobId, attempt: 2, model: "sonnet", note: "Mind the tests." },
    ],
    [
      { fromStep: 3, note: "Use sk_live_a1B2c3D4e5F6g7H8i9J0k1L2." },
      { fromStep: 3, jobId: null, attempt: null, model: null, note: "Use [REDACTED:api-key]." },
    ],
  ])("with a step replays: %j", async (body, replay) => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const request = jsonRequest(fixture.user("TEAM_LEAD"), body);
    expect((await fixture.app().request(`/api/agents/${id}/retry`, request)).status).toBe(200);
    expect(fixture.callsOf("commandIssue").map(({ argument }) => argument)).toMatchObject([
      { command: "retry", replay },
    ]);
  });

  test("without a step replays nothing", async () => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    await fixture.app().request(`/api/agents/${id}/retry`, jsonRequest(fixture.user("TEAM_LEAD"), { reason: "again" }));
    expect(fixture.callsOf("commandIssue")[0]?.argument).not.toHaveProperty("replay");
  });

  test.each([
    ["model", { model: "sonnet" }],
    ["note", { note: "Mind the tests." }],
    ["jobId", { jobId }],
    ["attempt", { attempt: 1 }],
    ["fromStep", { fromStep: 0 }],
    ["model", { fromStep: 1, model: "gpt" }],
  ])("refuses what is no replay, naming %s: %j", async (field, body) => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const response = await fixture
      .app()
      .request(`/api/agents/${id}/retry`, jsonRequest(fixture.user("TEAM_LEAD"), body));
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field }]);
  });

  test("is the only command that replays", async () => {
    const fixture = new EdgeFixture();
    const id = withIssue(fixture);
    const request = jsonRequest(fixture.user("TEAM_LEAD"), { fromStep: 1 });
    expect((await fixture.app().request(`/api/agents/${id}/cancel`, request)).status).toBe(422);
  });
});

describe("GET /:id/transcript", () => {
  const prompt = {
    modelId: "claude-sonnet-5-5",
    system: "You fix briefs.",
    toolsJson: '[{"name":"finish"}]',
    outputSchemaJson: null,
    baseCommit: "c0ffee",
    baseBranch: "main",
  };
  const message = { role: "user", content: [{ type: "text", text: "Work." }] };

  test("exports a page of an attempt", async () => {
    const fixture = new EdgeFixture();
    const stored = { position: 7, afterStep: 3, message: JSON.stringify(message) };
    fixture.transcript = { jobId, attempt: 2, prompt, messages: [stored], isLast: false };
    const headers = bearer(fixture.user("FREELANCER", { userId: "user_free" }));
    const id = newId("issue", startMs);
    const search = `?jobId=${jobId}&attempt=2&cursor=6&limit=1`;
    const response = await fixture.app().request(`/api/agents/${id}/transcript${search}`, { headers });
    expect(response.status).toBe(200);
    expect(transcriptSchema.parse(await response.json())).toEqual({
      jobId,
      attempt: 2,
      modelId: "claude-sonnet-5-5",
      system: "You fix briefs.",
      tools: [{ name: "finish" }],
      outputSchema: null,
      baseCommit: "c0ffee",
      baseBranch: "main",
      messages: [{ position: 7, afterStep: 3, message }],
      nextCursor: "7",
    });
    expect(fixture.callsOf("readTranscript").map(({ argument }) => argument)).toMatchObject([
      { issueId: id, visibility: { kind: "own" }, jobId, attempt: 2, afterPosition: 6, limit: 1 },
    ]);
  });

  test("ends with the last page", async () => {
    const fixture = new EdgeFixture();
    const stored = { position: 7, afterStep: null, message: JSON.stringify(message) };
    fixture.transcript = { jobId, attempt: 1, prompt, messages: [stored], isLast: true };
    const headers = bearer(fixture.user("ADMIN"));
    const response = await fixture.app().request(`/api/agents/${newId("issue", startMs)}/transcript`, { headers });
    expect(transcriptSchema.parse(await response.json())).toMatchObject({ nextCursor: null });
    expect(fixture.callsOf("readTranscript")[0]?.argument).toMatchObject({
      jobId: null,
      attempt: null,
      afterPosition: 0,
    });
  });

  test("is not found when there is none", async () => {
    const fixture = new EdgeFixture();
    const headers = bearer(fixture.user("ADMIN"));
    for (const id of [newId("issue", startMs), "nothing"]) {
      expect((await fixture.app().request(`/api/agents/${id}/transcript`, { headers })).status).toBe(404);
    }
  });
});
