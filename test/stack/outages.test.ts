import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueListSchema, submitResponseSchema } from "../../src/contracts/http-views.ts";
import { callApi, requireApi } from "../../scripts/local/api-client.ts";
import { readEvents, readIssue, readRows, submitDefect, untilProjected, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite } from "../support/stack-suite.ts";

const question = {
  type: "QUESTION",
  title: "Where are holidays kept?",
  description: "Which file lists them?",
} as const;
const outageMs = 20_000;
const submitEveryMs = 4_000;

let suite: StackSuite;
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

describe("PostgreSQL is away for twenty seconds in the middle of a run", () => {
  it("stops neither submissions nor the run, and gets every row once when it is back", async () => {
    const tenant = await suite.tenant();
    const hold = suite.claude.holdBefore(
      (call) => call.agent === "briefs.status-workflow" && call.assistantTurns === 1,
    );
    const issueId = await submitDefect(tenant);
    await hold.reached;
    await untilProjected(suite, tenant);

    await suite.database.stop();
    const backAtMs = Date.now() + outageMs;
    hold.release();
    await untilStatus(tenant.staff, issueId, "REVIEW");
    const submitted: string[] = [];
    while (Date.now() < backAtMs) {
      const answer = await callApi(tenant.staff, "POST", "", question);
      expect(answer.status).toBe(202);
      submitted.push(submitResponseSchema.parse(answer.body).id);
      await delay(Math.min(submitEveryMs, Math.max(0, backAtMs - Date.now())));
    }
    const { items, partial } = await requireApi(tenant.staff, issueListSchema, "GET", "");
    expect({ partial, ids: items.map((item) => item.id) }).toEqual({
      partial: true,
      ids: [...submitted.toReversed(), issueId],
    });
    await suite.database.start();

    for (const id of submitted) await untilStatus(tenant.staff, id, "COMPLETED");
    await untilProjected(suite, tenant);
    const events = await readEvents(tenant);
    const rows = await readRows(suite, tenant.organization.id);
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    expect(rows.AgentIssue.map((row) => row["id"])).toEqual([issueId, ...submitted]);
    expect(rows.AgentIssue.map((row) => row["status"])).toEqual(["REVIEW", ...submitted.map(() => "COMPLETED")]);
    expect(rows.AgentJob).toHaveLength(count("job.created"));
    expect(rows.AgentStep).toHaveLength(count("step.recorded"));
    expect(rows.AgentLog).toHaveLength(count("log.written"));
    expect(rows.AgentArtifact).toHaveLength(count("artifact.created"));
    expect(rows.AgentParkedEvent).toEqual([]);
  });
});

describe("a submission", () => {
  it("waits for no PostgreSQL, no Claude and no GitHub", async () => {
    const tenant = await suite.tenant();
    const hold = suite.claude.holdBefore(() => true);
    const knownId = await submitDefect(tenant);
    await hold.reached;

    await suite.database.stop();
    suite.gitHubGate.shut();
    try {
      const known = await callApi(tenant.staff, "POST", "", question);
      expect(known.status).toBe(202);
      // Nobody has looked this person up yet: the verified claim of the organization is enough to submit.
      const claimed = await callApi(tenant.lead, "POST", "", question);
      expect(claimed.status).toBe(202);
      const { id } = submitResponseSchema.parse(claimed.body);
      expect(await readIssue(tenant.lead, id)).toMatchObject({ id, submitterLevel: "FREELANCER" });
    } finally {
      await suite.database.start();
      suite.gitHubGate.open();
      hold.release();
    }
    await untilStatus(tenant.staff, knownId, "REVIEW");
  });
});
