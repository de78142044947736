/** What an organization may use, what an issue would take, and what people say of one. */
import { describe, expect, test } from "vitest";
import { createAgentPort } from "../../src/agents/work-plan.ts";
import { catalogSchema, estimateSchema, feedbackViewSchema, problemSchema } from "../../src/contracts/http-views.ts";
import { limitsByTier } from "../../src/contracts/terms.ts";
import {
  adminToken,
  bearer,
  detailOf,
  EdgeFixture,
  issueRecord,
  jsonRequest,
  validSubmission,
} from "./http-fixture.ts";

function onTier(tier: keyof typeof limitsByTier): EdgeFixture {
  const fixture = new EdgeFixture();
  fixture.terms = { ...fixture.terms, version: 1, tier, limits: limitsByTier[tier] };
  return fixture;
}

async function estimate(fixture: EdgeFixture, request: object) {
  const response = await fixture.app().request("/api/agents/estimate", jsonRequest(fixture.user("STAFF"), request));
  const body: unknown = await response.json();
  return { status: response.status, body };
}

describe("the catalogue", () => {
  test.each([
    ["free", ["meta.research"], ["haiku"]],
    ["pro", ["briefs.status-workflow", "meta.research"], ["haiku", "sonnet"]],
  ] as const)(
    "of an organization on %s holds what it may use, and none of the system's own",
    async (tier, ids, models) => {
      const fixture = onTier(tier);
      const response = await fixture
        .app()
        .request("/api/agents/catalog", { headers: bearer(fixture.user("FREELANCER")) });
      const catalog = catalogSchema.parse(await response.json());
      expect(catalog.items.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids]));
      expect(catalog.items.some(({ id }) => id === "meta.triage" || id === "meta.review")).toBe(false);
      expect(catalog.items.some(({ id }) => id === "briefs.status-workflow")).toBe(tier !== "free");
      expect(catalog.models).toEqual(models);
    },
  );
});

describe("an estimate", () => {
  test("follows the model that admission would take, and the agent's ceilings", async () => {
    const { body } = await estimate(onTier("pro"), {
      ...validSubmission,
      agentType: "briefs.status-workflow",
      maxCostMicroUsd: 70,
    });
    const answer = estimateSchema.parse(body);
    expect(answer).toMatchObject({
      agentType: "briefs.status-workflow",
      model: "sonnet",
      decidedBy: "caller",
      expected: { basis: "typical_steps", jobs: 0 },
      ceilings: { costMicroUsd: 70 },
      waitSeconds: null,
    });
    expect(answer.expected.costMicroUsd).toBeGreaterThan(0);
  });

  test("says when triage decides, and what its rules would", async () => {
    const { body } = await estimate(onTier("free"), { ...validSubmission, type: "QUESTION" });
    expect(body).toMatchObject({ agentType: "meta.research", model: "haiku", decidedBy: "triage" });
  });

  test("is the median of the organization's own jobs once there are enough", async () => {
    const fixture = onTier("pro");
    fixture.jobHistory = { jobs: 5, costMicroUsd: 1_234.5, durationSeconds: 59.6 };
    const asked = { ...validSubmission, agentType: "briefs.status-workflow" };
    const expected = { basis: "history", jobs: 5, costMicroUsd: 1_235, durationSeconds: 60 };
    expect((await estimate(fixture, asked)).body).toMatchObject({ expected });
    expect(fixture.callsOf("postgres.jobHistory")).toMatchObject([
      { organizationId: fixture.organizationId, argument: { agentType: "briefs.status-workflow", model: "sonnet" } },
    ]);
    fixture.jobHistory = { ...fixture.jobHistory, jobs: 4 };
    expect((await estimate(fixture, asked)).body).toMatchObject({ expected: { basis: "typical_steps" } });
  });

  test("does without history while Postgres is down, and submits nothing", async () => {
    const fixture = onTier("pro");
    const token = fixture.user("STAFF");
    const app = fixture.app();
    await app.request("/api/agents/catalog", { headers: bearer(token) });
    fixture.isPostgresUp = false;
    const response = await app.request("/api/agents/estimate", jsonRequest(token, validSubmission));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ expected: { basis: "typical_steps" } });
    expect(fixture.callsOf("submit")).toEqual([]);
  });

  test.each([
    ["an agent outside the tier", { agentType: "briefs.status-workflow" }, 403, "agent_not_allowed", "agentType"],
    ["a model outside the tier", { model: "opus" }, 403, "model_not_allowed", "model"],
    ["a system agent", { agentType: "meta.triage" }, 422, "invalid_request", "agentType"],
    ["a field of a submission that says nothing of it", { externalId: "x" }, 422, "invalid_request", "externalId"],
  ])("is refused for %s", async (_name, changes, status, code, field) => {
    const { status: answered, body } = await estimate(onTier("free"), { ...validSubmission, ...changes });
    expect(answered).toBe(status);
    expect(problemSchema.parse(body)).toMatchObject({ code, errors: [{ field }] });
  });

  test("has no answer when the organization may use no agent", () => {
    const request = {
      ...validSubmission,
      type: "BUG",
      priority: "LOW",
      agentType: null,
      model: null,
      maxCostMicroUsd: null,
    } as const;
    expect(
      createAgentPort("sonnet").plan(request, { limits: { ...limitsByTier.free, agents: [] }, outcomes: [] }),
    ).toBeNull();
  });
});

describe("feedback", () => {
  const feedback = { rating: 4, outcome: "PARTLY_SOLVED", tags: ["slow"], comment: " Nearly. " };

  function withIssue() {
    const fixture = new EdgeFixture();
    const detail = detailOf(issueRecord(fixture.organizationId));
    fixture.live.set(detail.issue.id, detail);
    return { fixture, id: detail.issue.id, detail };
  }

  test("is kept in the name of the person who gave it", async () => {
    const { fixture, id } = withIssue();
    const token = fixture.user("FREELANCER", { userId: "user_7" });
    const response = await fixture.app().request(`/api/agents/${id}/feedback`, jsonRequest(token, feedback));
    expect(response.status).toBe(200);
    expect(feedbackViewSchema.parse(await response.json())).toMatchObject({
      ...feedback,
      comment: "Nearly.",
      givenBy: "user_7",
    });
    expect(fixture.callsOf("giveFeedback")).toMatchObject([{ argument: { issueId: id, person: "user:user_7" } }]);
  });

  test("is taken for an issue that has left the object", async () => {
    const { fixture, id, detail } = withIssue();
    fixture.live.clear();
    fixture.stored.set(id, detail);
    const headers = { "X-Organization-Id": fixture.organizationId };
    const response = await fixture
      .app()
      .request(`/api/agents/${id}/feedback`, jsonRequest(adminToken, { rating: 1, outcome: "NOT_SOLVED" }, headers));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ givenBy: "root", tags: [], comment: null });
  });

  test.each([
    [{ rating: 6 }, "rating"],
    [{ rating: 2.5 }, "rating"],
    [{ outcome: "GREAT" }, "outcome"],
    [{ tags: ["a", " a"] }, "tags"],
    [{ tags: [" "] }, "tags.0"],
    [{ comment: "x".repeat(2_001) }, "comment"],
    [{ givenBy: "somebody else" }, "givenBy"],
  ])("is refused with %j", async (changes, field) => {
    const { fixture, id } = withIssue();
    const request = jsonRequest(fixture.user("STAFF"), { ...feedback, ...changes });
    const response = await fixture.app().request(`/api/agents/${id}/feedback`, request);
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field }]);
    expect(fixture.callsOf("giveFeedback")).toEqual([]);
  });
});
