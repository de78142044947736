import { describe, expect, test } from "vitest";
import { usageListSchema } from "../../src/contracts/http-usage.ts";
import { problemSchema } from "../../src/contracts/http-views.ts";
import type { UsageRow } from "../../src/contracts/usage.ts";
import { adminToken, bearer, EdgeFixture, startMs } from "./http-fixture.ts";

const sums = {
  calls: 3,
  estimatedCalls: 1,
  inputTokens: 100,
  cacheWriteTokens: 100,
  cacheReadTokens: 600,
  outputTokens: 50,
  costMicroUsd: 1_000,
  estimatedMicroUsd: 10,
};
const row = (...keys: string[]): UsageRow => ({ keys, ...sums });

async function read(fixture: EdgeFixture, search: string, headers = bearer(fixture.user("STAFF"))) {
  return fixture.app().request(`/api/agents/usage${search}`, { headers });
}

describe("GET /usage", () => {
  test("sums the last 30 days by day when nothing else is asked for", async () => {
    const fixture = new EdgeFixture();
    fixture.usageRows = [
      row("2026-11-21"),
      { ...row("2026-11-22"), inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 },
    ];
    const response = await read(fixture, "");
    expect(response.status).toBe(200);
    const body = usageListSchema.parse(await response.json());
    expect(body).toMatchObject({
      items: [
        { day: "2026-11-21", calls: 3, cacheReadTokens: 600, cacheShare: 0.75, costMicroUsd: 1_000 },
        { day: "2026-11-22", cacheShare: null },
      ],
      nextCursor: null,
      asOf: "2026-11-22T00:00:00.000Z",
    });
    expect(fixture.callsOf("usage").map(({ argument }) => argument)).toEqual([
      {
        organizationId: fixture.organizationId,
        sinceMs: startMs - 30 * 24 * 60 * 60 * 1_000,
        untilMs: startMs,
        groupBy: ["day"],
        after: null,
        limit: 101,
      },
    ]);
  });

  test("names what it is grouped by, and goes on where a page ended", async () => {
    const fixture = new EdgeFixture();
    const job = "job_01M9EXB6NPD2AA77WZWHERZ457";
    const keys = ["2026-11-21", "meta.triage", `${job}/0001/000012`];
    fixture.usageRows = [row(...keys), row("2026-11-22", "meta.triage", `${job}/0002/000001`)];
    const search = "?groupBy=day,agent,step&since=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z&limit=1";
    const body = usageListSchema.parse(await (await read(fixture, search)).json());
    expect(body.items).toMatchObject([
      { day: "2026-11-21", agentType: "meta.triage", step: { jobId: job, attempt: 1, number: 12 } },
    ]);
    await read(fixture, `${search}&cursor=${encodeURIComponent(body.nextCursor ?? "")}`);
    expect(fixture.callsOf("usage").map(({ argument }) => argument)).toMatchObject([
      { sinceMs: Date.UTC(2026, 10), untilMs: Date.UTC(2026, 11), after: null, limit: 2 },
      { after: keys },
    ]);
  });

  test.each([
    ["day", "2026-11-21", { day: "2026-11-21" }],
    ["organization", "org_1", { organizationId: "org_1" }],
    ["module", "briefs", { module: "briefs" }],
    ["agent", "meta.triage", { agentType: "meta.triage" }],
    ["model", "haiku", { model: "haiku" }],
    ["job", "job_1", { jobId: "job_1" }],
    ["step", "job_1/0002/000003", { step: { jobId: "job_1", attempt: 2, number: 3 } }],
  ])("names a sum by %s and nothing else", async (dimension, key, named) => {
    const fixture = new EdgeFixture();
    fixture.usageRows = [row(key)];
    const { items } = usageListSchema.parse(await (await read(fixture, `?groupBy=${dimension}`)).json());
    expect(items).toEqual([{ ...named, ...sums, cacheShare: 0.75 }]);
  });

  test("is of all organizations for a platform administrator who names none", async () => {
    const fixture = new EdgeFixture();
    await read(fixture, "?groupBy=organization", bearer(adminToken));
    await read(fixture, "?groupBy=organization", bearer(adminToken, { "x-organization-id": fixture.organizationId }));
    expect(fixture.callsOf("usage").map(({ argument }) => argument)).toMatchObject([
      { organizationId: null },
      { organizationId: fixture.organizationId },
    ]);
  });

  test("is nothing for those who see their own issues only", async () => {
    const fixture = new EdgeFixture();
    expect((await read(fixture, "", bearer(fixture.user("FREELANCER")))).status).toBe(403);
    expect(fixture.callsOf("usage")).toEqual([]);
  });

  test.each([
    ["groupBy", "?groupBy=week"],
    ["groupBy", "?groupBy=day,day"],
    ["until", "?since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z"],
    ["since", "?since=2020-01-01T00:00:00Z&until=2026-11-01T00:00:00Z"],
    ["since", "?since=2020-01-01T00:00:00Z"],
    ["cursor", "?groupBy=day&cursor=a~b"],
    ["limit", "?limit=101"],
  ])("names %s when it cannot be read: %s", async (field, search) => {
    const fixture = new EdgeFixture();
    const response = await read(fixture, search);
    expect(response.status).toBe(422);
    const { errors = [] } = problemSchema.parse(await response.json());
    expect(errors[0]?.field.split(".")[0]).toBe(field);
  });
});
