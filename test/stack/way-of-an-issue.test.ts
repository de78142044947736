import { z } from "zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoIssue } from "../../demo/demo-issue.ts";
import {
  artifactListSchema,
  problemSchema,
  stepListSchema,
  submitResponseSchema,
  transcriptSchema,
} from "../../src/contracts/http-views.ts";
import { usageListSchema } from "../../src/contracts/http-usage.ts";
import { modelTable } from "../../src/contracts/models.ts";
import { callCostMicroUsd } from "../../src/core/money.ts";
import { callApi, requireApi } from "../../scripts/local/api-client.ts";
import { openLiveSocket } from "../../scripts/local/live-socket.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import { listPullRequests, readChangedFiles } from "../../scripts/local/pull-request.ts";
import {
  approve,
  eventsOf,
  readEvents,
  readIssue,
  readRows,
  replay,
  submitDefect,
  untilProjected,
  untilStatus,
} from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

const messageSchema = z.object({ message: z.string() });

let suite: StackSuite;
beforeAll(async () => {
  suite = await startStackSuite();
});
afterAll(async () => {
  await suite.stop();
});

describe("the way of an issue", () => {
  it("leads from the submission over triage, work and review to a draft pull request", async () => {
    const tenant = await suite.tenant();
    const live = await openLiveSocket(tenant.admin, { after: 0 });

    const issueId = await submitDefect(tenant);
    await untilStatus(tenant.staff, issueId, "REVIEW");
    expect(await listPullRequests(suite.gitHub)).toEqual([]);
    await approve(tenant, issueId);
    await untilStatus(tenant.staff, issueId, "COMPLETED");

    const issue = await readIssue(tenant.staff, issueId);
    expect(issue).toMatchObject({
      status: "COMPLETED",
      triage: { agent: "briefs.status-workflow", module: "briefs" },
      createdById: tenant.organization.users.STAFF.id,
      submitterLevel: "STAFF",
      waitingFor: null,
      waitingReason: null,
    });
    expect(issue.jobs.map(({ role, agentType, status, attempts }) => ({ role, agentType, status, attempts }))).toEqual([
      { role: "triage", agentType: "meta.triage", status: "COMPLETED", attempts: 1 },
      { role: "work", agentType: "briefs.status-workflow", status: "COMPLETED", attempts: 1 },
      { role: "review", agentType: "meta.review", status: "COMPLETED", attempts: 1 },
    ]);
    expect(issue.reviews).toMatchObject([{ status: "APPROVED", approver: "platform", decidedBy: "local" }]);

    const [pull, ...otherPulls] = await listPullRequests(suite.gitHub);
    expect(otherPulls).toEqual([]);
    expect(pull).toMatchObject({
      isDraft: true,
      baseBranch: "main",
      branch: `agent/org-${tenant.organization.id}/${issueId}`,
    });
    expect(issue.effects).toMatchObject([{ status: "COMPLETED", result: { number: pull?.number, url: pull?.url } }]);
    const [file, ...otherFiles] = pull === undefined ? [] : await readChangedFiles(suite.gitHub, pull);
    expect(otherFiles).toEqual([]);
    expect(file?.path).toBe("spokestack/src/modules/briefs/brief-workflow.ts");
    expect(file?.before).toContain("return brief.submittedAt !== null;");
    expect(file?.after).toBe(
      file?.before?.replace("return brief.submittedAt !== null;", "return brief.completedAt !== null;"),
    );

    // The socket that followed and one that replays show the same: every number once, each naming the one before.
    const replayed = eventsOf(await replay(tenant.admin));
    const followed: OrganizationEvent[] = [];
    for await (const frame of live.frames) {
      if (frame.kind !== "events") continue;
      expect(frame.prevSeq).toBe(followed.length);
      followed.push(...frame.events);
      if (followed.length === replayed.length) live.close();
    }
    expect(followed).toEqual(replayed);
    expect(followed.map((event) => event.seq)).toEqual(followed.map((_, index) => index + 1));
  });

  it("costs what its steps' four token classes cost at the model's price", async () => {
    const tenant = await suite.tenant();
    const issueId = await submitDefect(tenant);
    await untilStatus(tenant.staff, issueId, "REVIEW");

    const { items: steps } = await requireApi(tenant.staff, stepListSchema, "GET", `/${issueId}/steps`);
    const prices = new Map(Object.values(modelTable).map(({ apiId, price }) => [apiId, price]));
    const costs = steps.map((step) => {
      const price = prices.get(step.name);
      const expected = price === undefined || step.usage === null ? 0 : callCostMicroUsd(step.usage, price);
      expect(step).toMatchObject({ costMicroUsd: expected });
      return expected;
    });
    const modelSteps = steps.filter((step) => step.kind === "model");
    expect(modelSteps.length).toBeGreaterThan(3);
    for (const { usage } of modelSteps) expect(usage?.outputTokens).toBeGreaterThan(0);

    const issue = await readIssue(tenant.staff, issueId);
    expect(issue.costMicroUsd).toBe(costs.reduce((sum, cost) => sum + cost, 0));
    expect(Number.isInteger(issue.costMicroUsd)).toBe(true);
    await untilProjected(suite, tenant);
    const rows = await readRows(suite, tenant.organization.id);
    expect(rows.AgentIssue.map((row) => Number(row["costMicroUsd"]))).toEqual([issue.costMicroUsd]);

    const usage = await requireApi(tenant.staff, usageListSchema, "GET", "/usage?groupBy=organization");
    expect(usage.items).toMatchObject([
      { organizationId: tenant.organization.id, calls: modelSteps.length, costMicroUsd: issue.costMicroUsd },
    ]);
    const work = issue.jobs.find(({ role }) => role === "work");
    const path = `/${issueId}/transcript?jobId=${work?.id}`;
    const transcript = await requireApi(tenant.staff, transcriptSchema, "GET", path);
    expect(transcript).toMatchObject({ jobId: work?.id, attempt: 1, nextCursor: null });
    expect(transcript.messages.length).toBeGreaterThan(2);
  });

  it("stands in PostgreSQL exactly as in the object", async () => {
    const tenant = await suite.tenant();
    const issueId = await submitDefect(tenant);
    await untilStatus(tenant.staff, issueId, "REVIEW");
    await approve(tenant, issueId);
    await untilStatus(tenant.staff, issueId, "COMPLETED");
    await untilProjected(suite, tenant);

    const events = await readEvents(tenant);
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    const rows = await readRows(suite, tenant.organization.id);
    expect(rows.AgentIssue).toMatchObject([{ id: issueId, status: "COMPLETED", type: "BUG", title: demoIssue.title }]);
    expect(rows.AgentJob.map((row) => row["status"])).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
    expect(rows.AgentStep).toHaveLength(count("step.recorded"));
    expect(rows.AgentLog).toHaveLength(count("log.written"));
    expect(rows.AgentReview).toMatchObject([{ status: "APPROVED" }]);
    expect(rows.AgentEffect).toMatchObject([{ status: "COMPLETED" }]);
    expect(rows.AgentParkedEvent).toEqual([]);

    const { items } = await requireApi(tenant.staff, artifactListSchema, "GET", `/${issueId}/artifacts`);
    expect(rows.AgentArtifact).toMatchObject(
      items.map(({ id, type, content, diffPatch }) => ({ id, type, content, diffPatch })),
    );
    expect(items.map((item) => item.type)).toEqual(["CODE_CHANGE", "PULL_REQUEST"]);
  });

  it("carries one correlation id from the request to the last queue", async () => {
    const tenant = await suite.tenant();
    const answer = await callApi(tenant.staff, "POST", "", demoIssue);
    const correlationId = answer.headers.get("x-request-id") ?? "";
    const { id: issueId } = submitResponseSchema.parse(answer.body);
    await untilStatus(tenant.staff, issueId, "REVIEW");
    await approve(tenant, issueId);
    await untilStatus(tenant.staff, issueId, "COMPLETED");

    const messages = suite.workerLog
      .filter((line) => line.includes(correlationId))
      .map((line) => messageSchema.parse(JSON.parse(line)).message);
    expect(messages).toEqual(expect.arrayContaining(["request", "slice started", "slice ended", "effect.changed"]));
  });
});

describe("what is refused", () => {
  it.each([
    ["no title", { type: "BUG", description: "Something is wrong" }, 422, "invalid_request"],
    ["an unknown field", { ...demoIssue, organizationId: "another" }, 422, "invalid_request"],
    ["malformed JSON", '{"type":"BUG",', 400, "malformed_json"],
  ])("%s leaves no trace", async (_case, body, status, code) => {
    const tenant = await suite.tenant();

    const answer = await callApi(tenant.staff, "POST", "", body);

    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(problemSchema.parse(answer.body)).toMatchObject({ status, code });
    await expectNoTrace(tenant);
  });

  it("no token, an expired one and a forged one leave no trace", async () => {
    const tenant = await suite.tenant();
    const { supabaseId: subject, email } = tenant.organization.users.STAFF;
    const organizationId = tenant.organization.id;
    const expired = await suite.supabase.accessToken({ subject, email, organizationId }, -60);
    const forged = `${tenant.staff.token.slice(0, -8)}AAAAAAAA`;

    for (const token of ["", expired, forged]) {
      const answer = await callApi({ ...tenant.staff, token }, "POST", "", demoIssue);
      expect(answer.status).toBe(401);
      expect(problemSchema.parse(answer.body)).toMatchObject({ status: 401, code: "unauthenticated" });
    }
    await expectNoTrace(tenant);
  });

  async function expectNoTrace(tenant: Tenant): Promise<void> {
    expect(await replay(tenant.admin)).toMatchObject([{ kind: "hello", lastSeq: 0 }]);
    const rows = await readRows(suite, tenant.organization.id);
    expect(Object.values(rows).flat()).toEqual([]);
  }
});
