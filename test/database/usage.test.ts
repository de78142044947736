/** What model calls used and cost, from the events to the sums, on PostgreSQL. */
import { beforeAll, describe, expect, it } from "vitest";
import type { UsageDimension, UsageQuery, UsageRow } from "../../src/contracts/usage.ts";
import { createProjection } from "../../src/db/projection.ts";
import { createUsageReader } from "../../src/db/usage-reader.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows } from "../support/database-fixture.ts";

const reader = createUsageReader({ tenant: settingsOf("agents_app"), platform: settingsOf("agents_platform") });
const projection = createProjection(settingsOf("agents_app"));
const dayMs = 24 * 60 * 60 * 1_000;
/** The fixture's events begin on this day. */
const firstDayMs = Date.UTC(2026, 10, 2);

let organizationId = "";
let log: EventLogFixture;
let jobIds: readonly string[] = [];

function query(groupBy: readonly UsageDimension[], changes: Partial<UsageQuery> = {}): UsageQuery {
  return { organizationId, sinceMs: 0, untilMs: Date.UTC(2030, 0), groupBy, after: null, limit: 100, ...changes };
}

async function sums(groupBy: readonly UsageDimension[], changes: Partial<UsageQuery> = {}) {
  const { rows } = await reader.sum(query(groupBy, changes));
  return rows.map(({ keys, calls, costMicroUsd }) => keys.concat(String(calls), String(costMicroUsd)));
}

const none = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };

beforeAll(async () => {
  ({ id: organizationId } = await newOrganization());
  log = new EventLogFixture(organizationId);
  const issue = log.submit();
  const work = log.createJob(issue);
  const triage = log.createJob(issue, { role: "triage", agentType: "meta.triage", model: "haiku" });
  jobIds = [work.id, triage.id];
  // 500 micro-dollars, and 10 + 20 + 30 + 40 tokens each.
  log.recordStep(work, 1);
  log.recordStep(work, 2, { kind: "tool", name: "read_file", usage: null, costMicroUsd: 0 });
  log.append({
    type: "job.cost_estimated",
    issueId: issue.id,
    jobId: work.id,
    data: {
      attempt: 1,
      stepNumber: 3,
      usage: { ...none, inputTokens: 5 },
      costMicroUsd: 70,
      estimated: true,
      jobCostMicroUsd: 570,
      issueCostMicroUsd: 570,
    },
  });
  log.append({
    type: "job.cost_estimated",
    issueId: issue.id,
    jobId: work.id,
    data: {
      attempt: 1,
      stepNumber: 3,
      usage: null,
      costMicroUsd: 30,
      estimated: true,
      jobCostMicroUsd: 600,
      issueCostMicroUsd: 600,
    },
  });
  log.recordStep(work, 3);
  log.recordStep(triage, 1, { costMicroUsd: 11 });
  await projection.project(organizationId, log);
  // The same events once more, as after a cursor that was lost.
  await superuserRows(`DELETE FROM agents."AgentProjection" WHERE "organizationId" = $1`, [organizationId]);
  await projection.project(organizationId, log);

  const foreign = await newOrganization();
  const other = new EventLogFixture(foreign.id);
  other.recordStep(other.createJob(other.submit()), 1, { costMicroUsd: 999_999 });
  await projection.project(foreign.id, other);
});

describe("usage", () => {
  it("sums the four classes of tokens and the money, estimates of calls without an answer among them", async () => {
    const { rows, asOfMs } = await reader.sum(query(["organization"]));
    expect(rows).toEqual([
      {
        keys: [organizationId],
        calls: 5,
        estimatedCalls: 2,
        inputTokens: 35,
        cacheWriteTokens: 60,
        cacheReadTokens: 90,
        outputTokens: 120,
        costMicroUsd: 1_111,
        estimatedMicroUsd: 100,
      } satisfies UsageRow,
    ]);
    expect(asOfMs).toBeGreaterThan(firstDayMs);
  });

  it("is told by day, module, agent, model, job and step, and by several of them", async () => {
    const [work, triage] = jobIds;
    const byJob = [work ?? "", triage ?? ""].sort((left, right) => (left < right ? -1 : 1));
    expect(await sums(["day"])).toEqual([["2026-11-02", "5", "1111"]]);
    expect(await sums(["module"])).toEqual([
      ["briefs", "4", "1100"],
      ["meta", "1", "11"],
    ]);
    expect(await sums(["model", "agent"])).toEqual([
      ["haiku", "meta.triage", "1", "11"],
      ["sonnet", "briefs.status-workflow", "4", "1100"],
    ]);
    expect((await sums(["job"])).map(([job]) => job)).toEqual(byJob);
    expect((await sums(["step"])).filter(([key]) => key?.startsWith(work ?? ""))).toEqual([
      [`${work}/0001/000001`, "1", "500"],
      [`${work}/0001/000003`, "3", "600"],
    ]);
  });

  it("has a beginning and an end in time", async () => {
    const ofDay = { sinceMs: firstDayMs, untilMs: firstDayMs + dayMs };
    expect(await sums(["organization"], ofDay)).toEqual([[organizationId, "5", "1111"]]);
    expect(await sums(["organization"], { sinceMs: firstDayMs + dayMs })).toEqual([]);
    expect(await sums(["organization"], { untilMs: firstDayMs })).toEqual([]);
  });

  it("counts a call in its UTC day, from the beginning of a time on and not at its end", async () => {
    const { id } = await newOrganization();
    const calls = new EventLogFixture(id);
    const job = calls.createJob(calls.submit());
    for (const number of [1, 2]) calls.recordStep(job, number);
    await projection.project(id, calls);
    for (const [stepNumber, at] of [
      [1, "2026-11-02T23:59:59.999Z"],
      [2, "2026-11-03T00:00:00.000Z"],
    ] as const) {
      await superuserRows(
        `UPDATE agents."AgentModelCall" SET "at" = $1 WHERE "organizationId" = $2 AND "stepNumber" = $3`,
        [at, id, stepNumber],
      );
    }
    const ofIt = { organizationId: id };
    const midnightMs = Date.UTC(2026, 10, 3);
    const [before, after] = [
      ["2026-11-02", "1", "500"],
      ["2026-11-03", "1", "500"],
    ];
    expect(await sums(["day"], ofIt)).toEqual([before, after]);
    expect(await sums(["day"], { ...ofIt, untilMs: midnightMs })).toEqual([before]);
    expect(await sums(["day"], { ...ofIt, sinceMs: midnightMs })).toEqual([after]);
    expect(await sums(["day"], { ...ofIt, sinceMs: midnightMs - 1, untilMs: midnightMs })).toEqual([before]);
  });

  it.each([1, 2, 3])("has no gap and no repetition in pages of %i", async (limit) => {
    const groupBy = ["day", "agent", "step"] as const;
    const whole = (await reader.sum(query(groupBy))).rows;
    const seen: UsageRow[] = [];
    for (;;) {
      const { rows } = await reader.sum(query(groupBy, { limit, after: seen.at(-1)?.keys ?? null }));
      if (rows.length === 0) break;
      seen.push(...rows);
    }
    expect(seen).toEqual(whole);
  });

  it("is an organization's own, and of all organizations for the platform's role alone", async () => {
    expect(await sums(["organization"], { organizationId: "nowhere" })).toEqual([]);
    const everywhere = await reader.sum(query(["organization"], { organizationId: null, limit: 10_000 }));
    const costs = everywhere.rows.map(({ costMicroUsd }) => costMicroUsd);
    expect(costs).toEqual(expect.arrayContaining([1_111, 999_999]));
    const asTenant = createUsageReader({ tenant: settingsOf("agents_app"), platform: settingsOf("agents_app") });
    expect((await asTenant.sum(query(["organization"], { organizationId: null }))).rows).toEqual([]);
  });

  it("of one organization is read from an index, not from the whole table", async () => {
    await superuserRows(
      `INSERT INTO agents."AgentModelCall" SELECT "jobId", 9, n, n, false, 'm', 'm.a', 'haiku', 1, 1, 1, 1, 1,
         TIMESTAMPTZ '2025-01-01' + n * INTERVAL '1 minute', "organizationId"
         FROM (SELECT * FROM agents."AgentModelCall" WHERE "costMicroUsd" = 999999 LIMIT 1) one, generate_series(1, 20000) n`,
    );
    await superuserRows(`ANALYZE agents."AgentModelCall"`);
    const plan = await superuserRows<{ "QUERY PLAN": string }>(
      `EXPLAIN SELECT SUM("costMicroUsd") FROM agents."AgentModelCall"
        WHERE "organizationId" = $1 AND "at" >= '2026-11-02' AND "at" < '2026-11-03'`,
      [organizationId],
    );
    expect(plan.map((line) => line["QUERY PLAN"]).join("\n")).toMatch(/Index.* on "AgentModelCall/u);
  });

  it("stays when the steps are no longer kept", async () => {
    await superuserRows(`DELETE FROM agents."AgentStep" WHERE "organizationId" = $1`, [organizationId]);
    expect(await sums(["organization"])).toEqual([[organizationId, "5", "1111"]]);
  });
});
