/** The stand-in of Claude, and the demo's three jobs through it: real port, real loop, real tools, real files. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ArtifactDraft } from "../../src/contracts/organization-rpc.ts";
import type { GitHubPort } from "../../src/contracts/ports.ts";
import { modelTable } from "../../src/contracts/models.ts";
import { systemClock } from "../../src/core/clock.ts";
import { callCostMicroUsd } from "../../src/core/money.ts";
import { createAnthropicModel } from "../../src/integrations/anthropic/model-port.ts";
import { runSlice } from "../../src/queues/run-slice.ts";
import { startClaude, type ClaudeStandIn } from "../../scripts/local/claude.ts";
import { memoryRepository } from "../support/memory-repository.ts";
import { keptLog, MemoryJob, quietTimings, type MemoryJobOptions } from "../support/queues-fixture.ts";

const demoFolder = new URL("../../demo/repository", import.meta.url).pathname;
const repository = { owner: "spokestack-demo", name: "erp" };
const workflowPath = "spokestack/src/modules/briefs/brief-workflow.ts";
const unexpected = (): Promise<never> => Promise.reject(new Error("unexpected"));
const gitHub: GitHubPort = {
  defaultBranchHead: () => Promise.resolve({ branch: "main", commit: "c0ffee" }),
  tree: unexpected,
  blob: unexpected,
  openPullRequest: unexpected,
};

let claude: ClaudeStandIn;
let seen = 0;
const newCalls = () => claude.requests().slice(seen);

beforeAll(async () => {
  claude = await startClaude({ port: 0, latencyMs: 0 });
});
beforeEach(() => {
  seen = claude.requests().length;
});
afterAll(async () => {
  await claude.close();
});

async function run(options: MemoryJobOptions): Promise<MemoryJob> {
  const job = new MemoryJob({ ...options, assignment: { repository, ...options.assignment } });
  await runSlice(
    {
      objects: { organization: () => job, repository: () => memoryRepository(demoFolder) },
      gitHub,
      model: createAnthropicModel({ apiKey: "sk-local", baseUrl: claude.url, clock: systemClock }),
      clock: systemClock,
      timings: quietTimings,
      defaultModel: "sonnet",
      logger: keptLog().logger,
    },
    job.organizationId,
    job.assignment(),
  );
  return job;
}

const triage: MemoryJobOptions = { job: { role: "triage", agentType: "meta.triage", model: "haiku" } };
const work: MemoryJobOptions = { job: { agentType: "briefs.status-workflow" } };
const artifactsOf = (job: MemoryJob): ArtifactDraft[] => job.checkpoints.flatMap((draft) => draft.artifacts);
const stepNames = (job: MemoryJob): string[] =>
  job.checkpoints.flatMap((draft) => draft.steps).flatMap((step) => (step.kind === "tool" ? [step.name] : []));

describe("the demo issue", () => {
  test("is triaged to the agent of the brief workflow", async () => {
    const job = await run(triage);
    expect(job.finished[0]?.outcome).toMatchObject({
      role: "triage",
      byRules: false,
      triage: { module: "briefs", complexity: 5 },
      next: { agentType: "briefs.status-workflow", model: "sonnet" },
    });
  });

  test("is researched on the free tier", async () => {
    const job = await run({
      ...triage,
      assignment: { allowedAgents: ["meta.triage", "meta.research"], allowedModels: ["haiku"] },
    });
    expect(job.finished[0]?.outcome).toMatchObject({ next: { agentType: "meta.research", model: "haiku" } });
  });

  test("is repaired by really editing the file, and proposed", async () => {
    const job = await run(work);
    expect(stepNames(job)).toEqual([
      "search_code",
      "search_files",
      "read_file",
      "read_file",
      "edit_file",
      "git_diff",
      "git_propose",
      "finish",
    ]);
    expect(job.checkpoints.flatMap((draft) => draft.steps).filter((step) => step.isError)).toEqual([]);
    const [change] = artifactsOf(job);
    expect(change).toMatchObject({ type: "CODE_CHANGE", metadata: { baseCommit: "c0ffee", baseBranch: "main" } });
    expect(change?.diffPatch).toContain("-  return brief.submittedAt !== null;\n+  return brief.completedAt !== null;");
    expect(change?.files.map((file) => file.path)).toEqual([workflowPath]);
    expect(job.finished[0]?.outcome).toMatchObject({ role: "work" });
  });

  test("passes review after the changed file was read", async () => {
    const [change] = artifactsOf(await run(work));
    if (change === undefined) throw new Error("the work job proposes a change");
    const { content, diffPatch, files } = change;
    const job = await run({
      job: { role: "review", agentType: "meta.review" },
      assignment: {
        workspace: files,
        workspaceBase: { commit: "c0ffee", branch: "main" },
        underReview: {
          artifact: {
            id: "art_1",
            jobId: "job_1",
            issueId: "iss_1",
            type: change.type,
            name: change.name,
            contentBodyId: "b1",
            filePath: change.filePath,
            diffPatchBodyId: "b2",
            metadata: change.metadata,
            createdAtMs: 0,
          },
          content,
          diffPatch,
        },
      },
    });
    expect(stepNames(job)).toEqual(["read_file"]);
    expect(job.checkpoints[1]?.steps[0]?.output).toContain("return brief.completedAt !== null;");
    expect(job.finished[0]?.outcome).toMatchObject({ role: "review", decision: "pass" });
  });

  test("costs what its token classes cost, and its prompt is read from the cache", async () => {
    const job = await run(work);
    const calls = job.checkpoints.flatMap((draft) => draft.steps).filter((step) => step.kind === "model");
    expect(calls).toHaveLength(6);
    for (const [index, { usage, costMicroUsd }] of calls.entries()) {
      if (usage === null) throw new Error("a model step has its usage");
      expect(costMicroUsd).toBe(callCostMicroUsd(usage, modelTable.sonnet.price));
      expect(usage.outputTokens).toBeGreaterThan(8);
      expect(usage.cacheWriteTokens).toBeGreaterThan(0);
      expect(usage.cacheReadTokens > 0).toBe(index > 0);
    }
  });
});

describe("an issue of one's own", () => {
  const own = { title: "How are billable hours rounded?", description: "Clients ask.", type: "QUESTION" } as const;

  test("is triaged to research", async () => {
    const job = await run({ ...triage, issue: own });
    expect(job.finished[0]?.outcome).toMatchObject({
      triage: { type: "QUESTION" },
      next: { agentType: "meta.research" },
    });
  });

  test("is looked into, and answered with a report", async () => {
    const job = await run({ issue: own });
    expect(stepNames(job)).toEqual(["list_files", "search_code", "read_file", "finish"]);
    expect(artifactsOf(job)).toMatchObject([{ type: "ANALYSIS" }]);
    expect(artifactsOf(job)[0]?.content).toContain("billable");
  });

  test("ends with a report even without a repository", async () => {
    const job = await run({ issue: own, assignment: { repository: null } });
    expect(job.finished[0]?.outcome).toMatchObject({ role: "work" });
    expect(artifactsOf(job)[0]?.content).toContain("Bind a repository");
  });

  test("that only sounds like the demo is not answered with its change", async () => {
    const job = await run({ ...work, assignment: { repository: null } });
    expect(artifactsOf(job).map((artifact) => artifact.type)).toEqual(["ANALYSIS"]);
  });
});

describe("the stand-in", () => {
  test("gives a repeated request the same answer, byte for byte", async () => {
    await run(triage);
    const body = newCalls()[0]?.body ?? "";
    const ask = async (): Promise<string> => {
      const answer = await fetch(`${claude.url}/v1/messages`, { method: "POST", body });
      return answer.text();
    };
    const first = await ask();
    expect(first).toContain("cache_creation_input_tokens");
    expect(await ask()).toBe(first);
  });

  test("writes down every call with its agent and its place", async () => {
    await run(work);
    expect(newCalls().map(({ agent, assistantTurns, outcome }) => `${agent} ${assistantTurns} ${outcome}`)).toEqual(
      [0, 1, 2, 3, 4, 5].map((turn) => `briefs.status-workflow ${turn} answered`),
    );
  });

  test("holds calls until they are released", async () => {
    const hold = claude.holdBefore((call) => call.agent === "briefs.status-workflow" && call.assistantTurns === 2);
    const running = run(work);
    const held = await hold.reached;
    expect(held).toMatchObject({ assistantTurns: 2, outcome: "waiting" });
    hold.release();
    expect((await running).finished).toHaveLength(1);
    await expect.poll(() => held.outcome).toBe("answered");
  });

  test("notices a caller that went away", async () => {
    await run(triage);
    const body = newCalls()[0]?.body ?? "";
    const hold = claude.holdBefore(() => true);
    const abort = new AbortController();
    const call = fetch(`${claude.url}/v1/messages`, { method: "POST", body, signal: abort.signal });
    const held = await hold.reached;
    abort.abort();
    await expect(call).rejects.toThrow(/abort/u);
    await expect.poll(() => held.outcome).toBe("dropped");
    hold.release();
  });
});
