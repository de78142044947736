import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  artifactListSchema,
  issueDetailSchema,
  messageReceiptSchema,
  organizationViewSchema,
  submitResponseSchema,
} from "../../src/contracts/http-views.ts";
import { requireApi } from "../../scripts/local/api-client.ts";
import { readIssue, readRows, untilEvent, untilProjected, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

const unclear = { type: "BUG", title: "The export is wrong", description: "The totals do not add up." };
const clear = { type: "QUESTION", title: "Where are timesheets locked?", description: "Which module decides it?" };

let suite: StackSuite;
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

const submit = async ({ staff }: Tenant, issue: object): Promise<string> =>
  (await requireApi(staff, submitResponseSchema, "POST", "", issue)).id;

/** Agent and turn of each model call from one on. */
const callsSince = (count: number): readonly string[] =>
  suite.claude
    .requests()
    .slice(count)
    .map(({ agent, assistantTurns, outcome }) => `${agent} ${assistantTurns} ${outcome}`);

async function reportOf({ staff }: Tenant, issueId: string): Promise<string> {
  const { items } = await requireApi(staff, artifactListSchema, "GET", `/${issueId}/artifacts`);
  return items.map(({ content }) => content).join("\n");
}

describe("a question of an agent", () => {
  it("holds no slot while it waits, outlives a new deployment, and has no call paid twice", async () => {
    const tenant = await suite.tenant();
    const settings = {
      tier: "pro",
      slug: tenant.organization.slug,
      repository: { owner: suite.gitHub.owner, name: suite.gitHub.name },
      limitOverrides: { limits: { concurrentJobs: 1 }, expiresAt: null },
    };
    const path = `/admin/organizations/${tenant.organization.id}`;
    await requireApi(tenant.admin, organizationViewSchema, "PUT", path, settings);
    const before = suite.claude.requests().length;
    const asking = await submit(tenant, unclear);
    await untilEvent(tenant.staff, asking, ({ type }) => type === "question.asked");
    const paused = await readIssue(tenant.staff, asking);
    expect(paused.jobs.at(-1)).toMatchObject({ status: "PAUSED", pausedReason: "question", attempts: 1 });
    expect(paused.questions).toMatchObject([{ status: "OPEN", choices: ["timesheets", "invoices", "briefs"] }]);
    expect(callsSince(before)).toEqual(["meta.triage 0 answered", "meta.research 0 answered"]);

    await untilStatus(tenant.staff, await submit(tenant, clear), "COMPLETED");
    const answered = suite.claude.requests().length;
    await suite.worker.kill();
    await suite.worker.start();
    expect((await readIssue(tenant.staff, asking)).status).toBe("PROCESSING");

    const message = { text: "invoices", questionId: paused.questions[0]?.id };
    const receipt = await requireApi(tenant.staff, messageReceiptSchema, "POST", `/${asking}/messages`, message);
    expect(receipt).toMatchObject({ kind: "answered", question: { status: "ANSWERED", answer: "invoices" } });
    await untilStatus(tenant.staff, asking, "COMPLETED");
    expect(callsSince(answered)[0]).toBe("meta.research 1 answered");
    expect(new Set(callsSince(answered)).size).toBe(callsSince(answered).length);
    expect(await reportOf(tenant, asking)).toContain("# What is meant\ninvoices");

    const ended = await requireApi(tenant.staff, issueDetailSchema, "GET", `/${asking}`);
    expect(ended.jobs.map(({ status, attempts }) => `${status} ${attempts}`)).toEqual(["COMPLETED 1", "COMPLETED 1"]);
    await untilProjected(suite, tenant);
    const rows = await readRows(suite, tenant.organization.id);
    expect(rows.AgentParkedEvent).toEqual([]);
    expect(rows.AgentIssue.map(({ status }) => status)).toEqual(["COMPLETED", "COMPLETED"]);
  });
});

describe("what a person says to an agent at work", () => {
  it("is heard with its next model call, once", async () => {
    const tenant = await suite.tenant();
    const hold = suite.claude.holdBefore((call) => call.agent === "meta.research" && call.assistantTurns === 1);
    const issueId = await submit(tenant, clear);
    const held = await hold.reached;
    const text = "Only timesheets of this year matter.";
    const receipt = await requireApi(tenant.staff, messageReceiptSchema, "POST", `/${issueId}/messages`, { text });
    expect(receipt).toMatchObject({ kind: "sent" });
    hold.release();
    await untilStatus(tenant.staff, issueId, "COMPLETED");
    const bodies = suite.claude
      .requests()
      .filter(({ number, agent }) => number >= held.number && agent === "meta.research")
      .map(({ body }) => body.split(text).length - 1);
    expect(bodies).toEqual([0, ...bodies.slice(1).map(() => 1)]);
    expect(bodies.length).toBeGreaterThan(1);
  });
});

describe("a finished attempt", () => {
  it("is done again from a step on, by a new job that has its own result", async () => {
    const tenant = await suite.tenant();
    const issueId = await submit(tenant, clear);
    await untilStatus(tenant.staff, issueId, "COMPLETED");
    const first = (await readIssue(tenant.staff, issueId)).jobs.at(-1);
    const before = suite.claude.requests().length;
    const note = "Look at the tests too.";
    const retried = await requireApi(tenant.lead, issueDetailSchema, "POST", `/${issueId}/retry`, {
      fromStep: 3,
      note,
    });
    const again = retried.jobs.at(-1);
    expect(again).toMatchObject({ role: "work", retryOf: first?.id });
    await untilEvent(
      tenant.staff,
      issueId,
      (event) => event.jobId === again?.id && event.type === "job.status_changed" && event.data.status === "COMPLETED",
    );
    expect(suite.claude.requests()[before]?.body).toContain(note);
    const ended = await readIssue(tenant.staff, issueId);
    expect(ended.jobs.slice(-2).map(({ id, status }) => ({ id, status }))).toEqual([
      { id: first?.id, status: "COMPLETED" },
      { id: again?.id, status: "COMPLETED" },
    ]);
    const { items } = await requireApi(tenant.staff, artifactListSchema, "GET", `/${issueId}/artifacts`);
    expect(items.map(({ jobId }) => jobId)).toEqual([first?.id, again?.id]);
  });
});
