import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelTable } from "../../src/contracts/models.ts";
import type { StepRecord } from "../../src/contracts/records.ts";
import { listBranches, listPullRequests } from "../../scripts/local/pull-request.ts";
import { normalizeHistory, type NormalizedHistory } from "../support/normalize-history.ts";
import { approve, readHistory, submitDefect, tenantNames, untilEvent, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

/** What a run came to; two runs that differ in nothing but their course are equal. */
interface Outcome {
  readonly history: NormalizedHistory;
  /** Agent and turn of every model call that was answered. */
  readonly answeredCalls: readonly string[];
  readonly numbersWithoutGap: boolean;
  readonly branches: number;
  readonly pullRequests: number;
}

/** Tests run one after the other, so every model call since the start of a run is its own. */
interface Run {
  readonly tenant: Tenant;
  readonly callsBefore: number;
}

let suite: StackSuite;
let calm: Outcome;
beforeAll(async () => {
  suite = await startStackSuite();
  const run = await begin();
  const issueId = await submitDefect(run.tenant);
  await untilStatus(run.tenant.staff, issueId, "REVIEW");
  await approve(run.tenant, issueId);
  calm = await finish(run, issueId);
});
afterAll(async () => {
  await suite.stop();
});

async function begin(): Promise<Run> {
  return { tenant: await suite.tenant(), callsBefore: suite.claude.requests().length };
}

async function finish({ tenant, callsBefore }: Run, issueId: string): Promise<Outcome> {
  await untilStatus(tenant.staff, issueId, "COMPLETED");
  const history = await readHistory(suite, tenant, issueId);
  const prefix = `agent/org-${tenant.organization.id}/`;
  const branches = await listBranches(suite.gitHub);
  const pullRequests = await listPullRequests(suite.gitHub);
  return {
    history: normalizeHistory(history, tenantNames(tenant)),
    answeredCalls: suite.claude
      .requests()
      .slice(callsBefore)
      .filter((call) => call.outcome === "answered")
      .map((call) => `${call.agent} ${call.assistantTurns}`),
    numbersWithoutGap: history.events.every((event, index) => event.seq === index + 1),
    branches: branches.filter((branch) => branch.startsWith(prefix)).length,
    pullRequests: pullRequests.filter((pull) => pull.branch.startsWith(prefix)).length,
  };
}

/** Kills the Worker and starts it again. What was held is let go only then, when its caller is gone for good. */
async function crash(hold: { release(): void } | null): Promise<void> {
  await suite.worker.kill();
  await suite.worker.start();
  hold?.release();
}

describe("a Worker that is killed and started again", () => {
  it("has an undisturbed run to be compared with", () => {
    expect(calm).toMatchObject({ numbersWithoutGap: true, branches: 1, pullRequests: 1 });
    expect(new Set(calm.answeredCalls).size).toBe(calm.answeredCalls.length);
  });

  it.each([
    ["during triage", "meta.triage", 0],
    ["after the work agent's third step", "briefs.status-workflow", 1],
    ["during the work agent's third model call", "briefs.status-workflow", 2],
    ["during the review", "meta.review", 1],
  ])("%s finishes the job by itself", async (_when, agent, assistantTurns) => {
    const run = await begin();
    const hold = suite.claude.holdBefore((call) => call.agent === agent && call.assistantTurns === assistantTurns);
    const issueId = await submitDefect(run.tenant);
    await hold.reached;

    await crash(hold);

    await untilStatus(run.tenant.staff, issueId, "REVIEW");
    await approve(run.tenant, issueId);
    expect(await finish(run, issueId)).toEqual(calm);
  });

  it("during the work agent's third step finishes the job by itself", async () => {
    const run = await begin();
    const issueId = await submitDefect(run.tenant);
    // The first step is in; what it asked for, steps two and three, is under way or just done.
    await untilEvent(
      run.tenant.staff,
      issueId,
      (event) => event.type === "step.recorded" && isFirstWorkStep(event.data),
    );

    await crash(null);

    await untilStatus(run.tenant.staff, issueId, "REVIEW");
    await approve(run.tenant, issueId);
    const outcome = await finish(run, issueId);
    // A call that was answered but not yet saved when the Worker died comes again, right after itself.
    const answeredCalls = outcome.answeredCalls.filter((call, index, calls) => call !== calls[index - 1]);
    expect(outcome.answeredCalls.length - answeredCalls.length).toBeLessThanOrEqual(1);
    expect({ ...outcome, answeredCalls }).toEqual(calm);
  });

  it.each([
    ["before anything is made", "/git/"],
    ["between the branch and the pull request", "/pulls"],
  ])("after the approval, %s, opens one pull request", async (_when, path) => {
    const run = await begin();
    const issueId = await submitDefect(run.tenant);
    await untilStatus(run.tenant.staff, issueId, "REVIEW");
    const hold = suite.gitHubGate.holdBefore((request) => request.method === "POST" && request.path.includes(path));
    await approve(run.tenant, issueId);
    await hold.reached;

    await crash(hold);

    expect(await finish(run, issueId)).toEqual(calm);
  });
});

function isFirstWorkStep({ step }: { readonly step: StepRecord }): boolean {
  return step.number === 1 && step.name === modelTable.sonnet.apiId;
}
