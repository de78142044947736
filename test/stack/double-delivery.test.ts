import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listBranches, listPullRequests } from "../../scripts/local/pull-request.ts";
import { normalizeHistory, type NormalizedHistory } from "../support/normalize-history.ts";
import { approve, readHistory, submitDefect, tenantNames, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite } from "../support/stack-suite.ts";

const doublingEntry = path.join(import.meta.dirname, "../workerd/double-delivery-worker.ts");

let once: StackSuite;
let twice: StackSuite;
beforeAll(async () => {
  once = await startStackSuite();
  twice = await startStackSuite({ workerEntry: doublingEntry });
});
afterAll(async () => {
  await twice.stop();
  await once.stop();
});

interface Outcome {
  readonly history: NormalizedHistory;
  readonly modelCalls: readonly string[];
  readonly branches: number;
  readonly pullRequests: number;
}

async function run(suite: StackSuite): Promise<Outcome> {
  const tenant = await suite.tenant();
  const issueId = await submitDefect(tenant);
  await untilStatus(tenant.staff, issueId, "REVIEW");
  await approve(tenant, issueId);
  await untilStatus(tenant.staff, issueId, "COMPLETED");
  const pullRequests = await listPullRequests(suite.gitHub);
  return {
    history: normalizeHistory(await readHistory(suite, tenant, issueId), tenantNames(tenant)),
    modelCalls: suite.claude.requests().map((call) => `${call.agent} ${call.assistantTurns} ${call.outcome}`),
    branches: (await listBranches(suite.gitHub)).length,
    pullRequests: pullRequests.length,
  };
}

describe("every queue message delivered twice", () => {
  it("leads to the same final state", async () => {
    const calm = await run(once);
    const doubled = await run(twice);

    expect(doubled).toEqual(calm);
    expect(doubled.pullRequests).toBe(1);
    // Proof that there were second deliveries: the claims that came too late.
    const deliveries = (suite: StackSuite): number =>
      suite.workerLog.filter((line) => /QUEUE agent-(?:jobs-\d|effects) /u.test(line)).length;
    expect(deliveries(twice)).toBeGreaterThanOrEqual(2 * deliveries(once));
  });
});
