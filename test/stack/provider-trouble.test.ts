import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { artifactListSchema, submitResponseSchema } from "../../src/contracts/http-views.ts";
import { requireApi } from "../../scripts/local/api-client.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { ClaudeFault } from "../../scripts/local/claude-faults.ts";
import { readIssue, readRows, submitDefect, untilEvent, untilProjected, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

const worker = "briefs.status-workflow";

interface Outcome {
  /** Agent and turn of every model call that was answered. */
  readonly answeredCalls: readonly string[];
  readonly artifacts: readonly { readonly type: string; readonly name: string; readonly content: string }[];
  readonly jobs: readonly string[];
}

let suite: StackSuite;
let calm: Outcome;
beforeAll(async () => {
  suite = await startStackSuite();
  calm = await runDefect(await suite.tenant());
});
afterAll(async () => {
  await suite.stop();
});

async function runDefect(tenant: Tenant): Promise<Outcome> {
  const before = suite.claude.requests().length;
  const issueId = await submitDefect(tenant);
  await untilStatus(tenant.staff, issueId, "REVIEW");
  const { jobs } = await readIssue(tenant.staff, issueId);
  const { items } = await requireApi(tenant.staff, artifactListSchema, "GET", `/${issueId}/artifacts`);
  return {
    answeredCalls: suite.claude
      .requests()
      .slice(before)
      .filter(({ outcome }) => outcome === "answered")
      .map(({ agent, assistantTurns }) => `${agent} ${assistantTurns}`),
    artifacts: items.map(({ type, name, content }) => ({ type, name, content })),
    jobs: jobs.map(({ agentType, status, attempts }) => `${agentType} ${status} ${attempts}`),
  };
}

describe("trouble at the provider", () => {
  it("that passes changes neither the result nor the calls that are answered, wherever it strikes", async () => {
    const faults: readonly ClaudeFault[] = ["rate_limited", "overloaded", "server_error", "cut", "html"];
    for (const [turn, fault] of faults.entries()) {
      suite.claude.failOnce(({ agent, assistantTurns }) => agent === worker && assistantTurns === turn, fault);
    }
    suite.claude.failOnce(({ agent }) => agent === "meta.review", "overloaded");
    const before = suite.claude.requests().length;
    expect(await runDefect(await suite.tenant())).toEqual(calm);
    const calls = suite.claude.requests().slice(before);
    const failed = calls.filter(({ outcome }) => outcome === "failed");
    expect(failed).toHaveLength(faults.length + 1);
    // Each failed call was made again as it was, once.
    for (const { body } of failed) expect(calls.filter((call) => call.body === body)).toHaveLength(2);
  });

  it.each([
    ["spend_cap", "spend_cap"],
    ["refused", "request_refused"],
  ] as const)(
    "that stays (%s) costs one call and fails the job by its name, and nobody else's",
    async (fault, name) => {
      const [tenant, other] = [await suite.tenant(), await suite.tenant()];
      const before = suite.claude.requests().length;
      const question = {
        type: "QUESTION",
        title: "Where are timesheets locked?",
        description: "Which module decides it?",
      };
      // The other organization's job is in the middle of its work when this one meets its fault.
      const hold = suite.claude.holdBefore(({ agent, assistantTurns }) => agent === worker && assistantTurns === 2);
      const meanwhile = runDefect(other);
      await hold.reached;
      suite.claude.failOnce(({ agent }) => agent === "meta.research", fault);
      const { id } = await requireApi(tenant.staff, submitResponseSchema, "POST", "", question);
      const isFailure = (event: OrganizationEvent): boolean =>
        event.type === "job.status_changed" && event.data.status === "FAILED" && event.data.error?.reason === name;
      await untilEvent(tenant.staff, id, isFailure);
      await untilStatus(tenant.staff, id, "FAILED");
      hold.release();
      const { answeredCalls, ...result } = await meanwhile;
      const { answeredCalls: calmCalls, ...calmResult } = calm;
      expect(result).toEqual(calmResult);
      expect(answeredCalls.toSorted()).toEqual([...calmCalls, "meta.triage 0"].toSorted());

      const { jobs, status } = await readIssue(tenant.staff, id);
      expect(status).toBe("FAILED");
      expect(jobs.at(-1)).toMatchObject({ status: "FAILED", error: { reason: name } });
      const asked = suite.claude
        .requests()
        .slice(before)
        .filter(({ agent }) => agent === "meta.research");
      expect(asked.map(({ outcome }) => outcome)).toEqual(["failed"]);
      await untilProjected(suite, tenant);
      const rows = await readRows(suite, tenant.organization.id);
      expect(JSON.stringify(rows.AgentJob.at(-1)?.["error"])).toContain(name);
    },
  );
});

describe("the requests of an attempt", () => {
  const requestSchema = z.object({ cache_control: z.json(), system: z.array(z.object({ cache_control: z.json() })) });

  it("are each the one before, byte for byte, and what was appended, with prefix and tail marked for the cache", () => {
    const calls = suite.claude.requests().filter(({ agent }) => agent === worker);
    const first = calls.findIndex(({ assistantTurns }) => assistantTurns === 0);
    const bodies = calls.slice(first, first + 6).map(({ body }) => body);
    expect(bodies).toHaveLength(6);
    for (const body of bodies) {
      const { cache_control: tail, system } = requestSchema.parse(JSON.parse(body));
      expect([tail, system.at(-1)?.cache_control]).toMatchObject([{ type: "ephemeral" }, { type: "ephemeral" }]);
    }
    // The messages stand last in a body, which so ends with "]}".
    const begunAs = bodies.slice(0, -1).map((body) => `${body.slice(0, -2)},{"role":"assistant",`);
    expect(bodies.slice(1).map((body, index) => body.startsWith(begunAs[index] ?? ""))).toEqual(
      begunAs.map(() => true),
    );
  });
});
