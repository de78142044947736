import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoIssue } from "../../demo/demo-issue.ts";
import { submitResponseSchema } from "../../src/contracts/http-views.ts";
import { callApi } from "../../scripts/local/api-client.ts";
import { readEvents, readRows, submitDefect, untilProjected, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite } from "../support/stack-suite.ts";

const outageMs = 20_000;

let suite: StackSuite;
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

describe("PostgreSQL that is gone for 20 s in the middle of a run", () => {
  it("stops no run and no submission, and has every row exactly once afterwards", async () => {
    const tenant = await suite.tenant();
    const hold = suite.claude.holdBefore(
      (call) => call.agent === "briefs.status-workflow" && call.assistantTurns === 1,
    );
    const before = await submitDefect(tenant);
    await hold.reached;

    // The length of the outage is what is tested; nothing is waited for by it.
    const outage = delay(outageMs);
    await suite.database.stop();
    hold.release();
    const during = await submitDefect(tenant, " It happened again.");
    await untilStatus(tenant.staff, before, "REVIEW");
    await untilStatus(tenant.staff, during, "REVIEW");
    await outage;
    await suite.database.start();
    await untilProjected(suite, tenant);

    const events = await readEvents(tenant);
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    const rows = await readRows(suite, tenant.organization.id);
    expect(rows.AgentIssue.map((row) => [row["id"], row["status"]])).toEqual([
      [before, "REVIEW"],
      [during, "REVIEW"],
    ]);
    expect(rows.AgentJob).toHaveLength(count("job.created"));
    expect(rows.AgentStep).toHaveLength(count("step.recorded"));
    expect(rows.AgentLog).toHaveLength(count("log.written"));
    expect(rows.AgentArtifact).toHaveLength(count("artifact.created"));
    expect(rows.AgentReview).toHaveLength(count("review.opened"));
    expect(rows.AgentParkedEvent).toEqual([]);
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, index) => index + 1));
  });
});

describe("a submission", () => {
  it("waits for no PostgreSQL, Claude or GitHub, and for no lane that is taken", async () => {
    const tenant = await suite.tenant();
    const hold = suite.claude.holdBefore((call) => call.agent === "meta.triage");
    // Makes the caller known, and its job takes the first lane.
    await submitDefect(tenant);
    await hold.reached;
    await suite.database.stop();
    suite.gitHubGate.shut();

    const answer = await callApi(tenant.staff, "POST", "", demoIssue);

    expect(answer.status).toBe(202);
    expect(submitResponseSchema.parse(answer.body)).toMatchObject({ status: "QUEUED" });
    suite.gitHubGate.open();
    await suite.database.start();
    hold.release();
    await untilStatus(tenant.staff, submitResponseSchema.parse(answer.body).id, "REVIEW");
  });
});
