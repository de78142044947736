/** A slice of a job from claim to report, over an object in memory. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defaultCeilings } from "../../src/contracts/ceilings.ts";
import type { Assignment, SliceNews } from "../../src/contracts/organization-rpc.ts";
import { GitHubError, ModelCallError, type GitHubPort, type ModelPort } from "../../src/contracts/ports.ts";
import type { Timings } from "../../src/contracts/timings.ts";
import { wordsOf } from "../../src/contracts/transcript-words.ts";
import { systemClock } from "../../src/core/clock.ts";
import { debuggedCeilings, debuggedTimings } from "../../src/queues/debugged.ts";
import { consumeJobs } from "../../src/queues/jobs.ts";
import type { SlicePorts } from "../../src/queues/slice.ts";
import { inOrder, replyOf, scriptedModel } from "../support/agents-fixture.ts";
import { memoryRepository } from "../support/memory-repository.ts";
import { batchOf, keptLog, MemoryJob, quietTimings, type MemoryJobOptions } from "../support/queues-fixture.ts";

const demoFolder = new URL("../../demo/repository", import.meta.url).pathname;
const repository = { owner: "spokestack-demo", name: "erp" };
const head = { branch: "main", commit: "c0ffee" };

const gitHub: GitHubPort = {
  defaultBranchHead: () => Promise.resolve(head),
  tree: () => Promise.reject(new Error("sealed already")),
  blob: () => Promise.reject(new Error("sealed already")),
  openPullRequest: () => Promise.reject(new Error("not from a slice")),
};

const finishing = { calls: [{ id: "c1", name: "finish", input: { summary: "Done." } }] };
const triageAnswer = {
  type: "BUG",
  priority: "HIGH",
  module: "briefs",
  complexity: 5,
  agent: "briefs.status-workflow",
  confidence: 0.9,
  reason: "It is about statuses.",
  expectedSteps: 10,
};
const triageJob: MemoryJobOptions = { job: { role: "triage", agentType: "meta.triage", model: "haiku" } };
const failing = (failure: Omit<ConstructorParameters<typeof ModelCallError>[0], "reached">): ModelPort => ({
  call: () => Promise.reject(new ModelCallError({ ...failure, reached: false })),
});

async function deliver(job: MemoryJob, model: ModelPort, change: Partial<SlicePorts> = {}) {
  const log = keptLog();
  const ports: SlicePorts = {
    objects: { organization: () => job, repository: () => memoryRepository(demoFolder) },
    gitHub,
    model,
    clock: systemClock,
    timings: quietTimings,
    defaultModel: "sonnet",
    logger: log.logger,
    ...change,
  };
  const { organizationId, dispatchId, issue } = job;
  const message = { v: 1, organizationId, jobId: job.job.id, dispatchId, correlationId: issue.correlationId };
  const batch = batchOf("agent-jobs-3", [message]);
  await consumeJobs(ports, batch);
  return { batch, log };
}

describe("a debugged slice", () => {
  test("logs every step with what went in and came out, another one nothing of it", async () => {
    const calm = new MemoryJob();
    const debugged = new MemoryJob({ assignment: { isDebugged: true } });
    for (const job of [calm, debugged]) await deliver(job, scriptedModel(inOrder([finishing])));
    const debugLines = (job: MemoryJob) =>
      job.checkpoints.flatMap(({ logs }) => logs.filter(({ level }) => level === "DEBUG"));
    expect(debugLines(calm)).toEqual([]);
    expect(debugLines(debugged)).toMatchObject([
      { message: "claude-sonnet-5-5 ran", data: { step: 1, kind: "model", stopReason: "tool_use" } },
      { message: "checkpoint", data: { messages: 1, files: [] } },
      { message: "finish ran", data: { step: 2, kind: "tool", isError: false, input: '{"summary":"Done."}' } },
      { message: "checkpoint", data: { messages: 1 } },
    ]);
    expect(debugged.messages).toEqual(calm.messages);
  });

  test("says so beside what every slice logs, without secrets, and cuts what is long", async () => {
    const job = new MemoryJob({ assignment: { isDebugged: true } });
    const secret = "sk_live_a1B2c3D4e5F6g7H8i9J0k1L2";
    const calls = [{ id: "c0", name: "no_such_tool", input: { secret, text: "x".repeat(3_000) } }];
    await deliver(job, scriptedModel(inOrder([{ text: `I use ${secret}.`, calls }, finishing])));
    const lines = job.checkpoints.flatMap(({ logs }) => logs);
    expect(lines.filter(({ level }) => level === "WARN")).toMatchObject([
      { message: "no_such_tool answered with an error", data: { step: 2 } },
    ]);
    const ran = lines.find(({ message }) => message === "no_such_tool ran");
    expect(ran?.data).toMatchObject({ isError: true, policy: "not_available" });
    const { input, output } = z.object({ input: z.string(), output: z.string() }).parse(ran?.data);
    expect(output).toContain("There is no tool of this name here.");
    expect(input).toMatch(/^\{"secret":"\[REDACTED:api-key\]","text":"x+…$/u);
    expect(input.length).toBeLessThan(2_010);
    expect(JSON.stringify(lines)).not.toContain(secret);
    const said = lines.find(({ message }) => message === "claude-sonnet-5-5 ran");
    expect(z.object({ output: z.string() }).parse(said?.data).output).toContain("I use [REDACTED:api-key].");
  });

  test("begins and ends with the switch, at the next checkpoint; so do tools that are off", async () => {
    const job = new MemoryJob();
    const { checkpoint } = job;
    const told: Partial<SliceNews>[] = [
      { isDebugged: true, toolsOff: ["list_files"] },
      {},
      { isDebugged: false, toolsOff: [] },
    ];
    job.checkpoint = async (draft) => ({ ...(await checkpoint(draft)), ...told.shift() });
    const listing = (id: string) => ({ calls: [{ id, name: "list_files" }] });
    await deliver(job, scriptedModel(inOrder([listing("c1"), listing("c2"), finishing])));
    const isVerbose = job.checkpoints.map(({ logs }) => logs.some(({ level }) => level === "DEBUG"));
    expect(isVerbose).toEqual([false, true, true, false, false, false]);
    const ran = job.checkpoints.flatMap(({ steps }) => steps).filter(({ name }) => name === "list_files");
    expect(ran.map(({ policy }) => policy)).toEqual(["not_available", "allowed"]);
  });

  test("goes on where another one has run too long: the slice, its model calls, and the job", async () => {
    const run = async (isDebugged: boolean, assignment: Partial<Assignment>, timings: Partial<Timings>) => {
      const job = new MemoryJob({ assignment: { isDebugged, ...assignment } });
      let nowMs = 0;
      const model = scriptedModel(() => {
        nowMs += 700;
        return nowMs > 1_500 ? finishing : { calls: [{ id: `c${nowMs}`, name: "list_files" }] };
      });
      await deliver(job, model, { clock: { nowMs: () => nowMs }, timings: { ...quietTimings, ...timings } });
      return { finished: job.finished.length, yields: job.yields, failed: job.failed.map(({ error }) => error.reason) };
    };
    const short = { sliceMaxMs: 1_000 };
    expect(await run(false, {}, short)).toEqual({ finished: 0, yields: 1, failed: [] });
    expect(await run(true, {}, short)).toEqual({ finished: 1, yields: 0, failed: [] });
    const spent = { used: { earlierSteps: 0, tokenCount: 0, ranForMs: defaultCeilings.runningMs } };
    expect(await run(false, spent, {})).toEqual({ finished: 0, yields: 0, failed: ["time"] });
    expect(await run(true, spent, {})).toEqual({ finished: 1, yields: 0, failed: [] });
  });

  test("may take longer, as far as any slice may run, and costs no more", () => {
    const timings = { ...quietTimings, modelCallMaxMs: 240_000, sliceMaxMs: 600_000, sliceAbortMs: 840_000 };
    expect(debuggedTimings(timings)).toEqual({ ...timings, modelCallMaxMs: 840_000, sliceMaxMs: 840_000 });
    const ceilings = { steps: 60, runningMs: 1_000, costMicroUsd: 5 };
    expect(debuggedCeilings({ ...defaultCeilings, ...ceilings })).toMatchObject({ ...ceilings, runningMs: 4_000 });
  });
});

describe("a delivery", () => {
  test("whose dispatch no longer counts is acknowledged, and nothing runs", async () => {
    const job = new MemoryJob();
    job.claim = () => Promise.resolve({ kind: "stale" });
    const { batch } = await deliver(job, scriptedModel(inOrder([])));
    expect(batch.settled).toEqual(["ack"]);
    expect(job.messages).toEqual([]);
  });

  test("comes again when the object cannot be reached for a claim", async () => {
    const job = new MemoryJob();
    job.claim = () => Promise.reject(new Error("restarting"));
    const { batch } = await deliver(job, scriptedModel(inOrder([])));
    expect(batch.settled).toEqual(["retry 1"]);
  });

  test("is logged with everything that joins it to its request", async () => {
    const job = new MemoryJob();
    const { log } = await deliver(job, scriptedModel(inOrder([finishing])));
    const started = log.messages("INFO").find((line) => line.includes("slice started")) ?? "";
    for (const id of [job.issue.correlationId, job.organizationId, job.issue.id, job.job.id, '"epoch":1']) {
      expect(started).toContain(id);
    }
  });
});

describe("a work job", () => {
  test("is rendered once, run, and reported", async () => {
    const job = new MemoryJob({ assignment: { repository } });
    const model = scriptedModel(inOrder([{ text: "I finish.", ...finishing }]));
    const { batch } = await deliver(job, model);
    expect(batch.settled).toEqual(["ack"]);
    expect(job.prompt).toMatchObject({ modelId: "claude-sonnet-5-5", baseCommit: "c0ffee", baseBranch: "main" });
    expect(job.messages[0]).toContain("spokestack/src/modules/briefs/brief-workflow.ts");
    expect(job.finished).toEqual([
      {
        organizationId: job.organizationId,
        jobId: job.job.id,
        epoch: 1,
        outcome: { role: "work", summary: "Done." },
        artifacts: [],
      },
    ]);
  });

  test("that was begun before is sent as stored, at its pinned commit", async () => {
    const job = new MemoryJob({ assignment: { repository } });
    const aborted = new Error("killed");
    await deliver(job, { call: () => Promise.reject(aborted) });
    const { prompt, messages } = job;
    job.failed.length = 0;

    const model = scriptedModel(inOrder([finishing]));
    await deliver(job, model, {
      gitHub: { ...gitHub, defaultBranchHead: () => Promise.reject(new Error("must not be asked again")) },
    });
    expect(job.finished).toHaveLength(1);
    expect(model.requests[0]).toMatchObject({ system: prompt?.system, toolsJson: prompt?.toolsJson });
    expect(model.requests[0]?.messages).toEqual(messages.slice(0, 1));
  });

  test("that goes on with changed files stays at the commit that they were made over", async () => {
    const job = new MemoryJob({
      assignment: { repository, workspaceBase: { commit: "01d", branch: "main" } },
    });
    await deliver(job, scriptedModel(inOrder([finishing])));
    expect(job.prompt?.baseCommit).toBe("01d");
  });

  test("works without files when the GitHub integration is off", async () => {
    const job = new MemoryJob({ assignment: { repository } });
    const { log } = await deliver(job, scriptedModel(inOrder([finishing])), { gitHub: null });
    expect(job.finished).toHaveLength(1);
    expect(job.prompt?.baseCommit).toBeNull();
    expect(log.messages("WARN").join()).toContain("integration is off");
  });

  test.each([
    [true, "transient"],
    [false, "permanent"],
  ])("whose repository cannot be read fails with GitHub's class (transient: %s)", async (transient, failureClass) => {
    const job = new MemoryJob({ assignment: { repository } });
    const error = new GitHubError({ transient, reason: "unreachable", message: "internal words", retryAfterMs: 70 });
    const broken = { ...gitHub, defaultBranchHead: () => Promise.reject(error) };
    await deliver(job, scriptedModel(inOrder([])), { gitHub: broken });
    expect(job.failed).toMatchObject([{ failureClass, retryAfterMs: 70, error: { reason: "unreachable" } }]);
    expect(JSON.stringify(job.failed)).not.toContain("internal words");
  });

  test("of an agent that does not exist fails for good", async () => {
    const job = new MemoryJob({ job: { agentType: "no.such-agent" } });
    await deliver(job, scriptedModel(inOrder([])));
    expect(job.failed).toMatchObject([{ failureClass: "final", error: { reason: "unknown_agent" } }]);
  });

  test("that is refused fails for good, and a transient fault says when to come back", async () => {
    const refused = new MemoryJob();
    await deliver(refused, scriptedModel(inOrder([{ text: "No.", stopReason: "refusal" }])));
    expect(refused.failed).toMatchObject([{ failureClass: "final", error: { reason: "refused" } }]);

    const busy = new MemoryJob();
    await deliver(busy, failing({ failureClass: "transient", reason: "overloaded", message: "b", retryAfterMs: 800 }));
    expect(busy.failed).toMatchObject([{ failureClass: "transient", retryAfterMs: 800 }]);
  });

  test("that cannot go on has told all that it has said and changed with its checkpoints", async () => {
    const job = new MemoryJob({ assignment: { repository }, job: { agentType: "briefs.status-workflow" } });
    const edit = { id: "c1", name: "write_file", input: { path: "docs/half.md", content: "Half.\n" } };
    const turns = [{ text: "I begin with the page.", calls: [edit] }, { stopReason: "something_new" }];
    const model = scriptedModel(inOrder(turns));
    await deliver(job, model);
    expect(model.requests).toHaveLength(2);
    expect(job.failed).toMatchObject([{ failureClass: "final", error: { reason: "unknown_stop" } }]);
    expect(job.messages.map(wordsOf).join("")).toBe("I begin with the page.");
    const [file, ...others] = job.checkpoints.flatMap(({ workspace }) => workspace);
    expect(others).toEqual([]);
    expect(file).toMatchObject({ path: "docs/half.md", content: "Half.\n", difference: { change: "added" } });
    expect(file?.difference?.patch).toMatch(/\+\+\+ b\/docs\/half\.md\n.*\n\+Half\.\n$/u);
  });

  test("that meets a fault of ours uses up an attempt and tells the tenant nothing internal", async () => {
    const job = new MemoryJob();
    const { log } = await deliver(job, { call: () => Promise.reject(new Error("internal words")) });
    expect(job.failed).toMatchObject([{ failureClass: "permanent", error: { reason: "internal" } }]);
    expect(JSON.stringify(job.failed)).not.toContain("internal words");
    expect(log.messages("ERROR").join()).toContain("internal words");
  });

  test("uses up no attempt when an object was restarting", async () => {
    const job = new MemoryJob();
    const restarting = Object.assign(new Error("reset"), { retryable: true });
    await deliver(job, { call: () => Promise.reject(restarting) });
    expect(job.failed).toMatchObject([{ failureClass: "transient" }]);
  });

  test("keeps no secret in its log lines", async () => {
    const secret = "sk_live_a1B2c3D4e5F6g7H8i9J0k1L2";
    const job = new MemoryJob();
    const unknown = { calls: [{ id: "c0", name: secret, input: {} }] };
    await deliver(job, scriptedModel(inOrder([unknown, finishing])));
    const logs = job.checkpoints.flatMap((draft) => draft.logs);
    expect(logs.map(({ message }) => message)).toContain("[REDACTED:api-key] answered with an error");
    expect(JSON.stringify(logs)).not.toContain(secret);
  });

  test("repeats a checkpoint whose answer was lost", async () => {
    const job = new MemoryJob();
    const { checkpoint } = job;
    const lost = [new Error("connection lost")];
    job.checkpoint = (draft) => {
      const error = lost.pop();
      return error === undefined ? checkpoint(draft) : Promise.reject(error);
    };
    await deliver(job, scriptedModel(inOrder([finishing])));
    expect(job.finished).toHaveLength(1);
    expect(job.checkpoints.map((draft) => draft.steps[0]?.number)).toEqual([1, 2]);
  });

  test("streams its words", async () => {
    const job = new MemoryJob();
    await deliver(job, {
      call: (_request, { onText }) => {
        onText("I ");
        onText("finish.");
        return Promise.resolve(replyOf({ text: "I finish.", ...finishing }));
      },
    });
    expect(job.text.join("")).toBe("I finish.");
    expect(job.finished).toHaveLength(1);
  });
});

describe("a slice", () => {
  test("yields when its time is up, keeping what it has", async () => {
    const job = new MemoryJob();
    let nowMs = 0;
    const model = scriptedModel(() => {
      nowMs += 700;
      return { calls: [{ id: `c${nowMs}`, name: "list_files" }] };
    });
    await deliver(job, model, { clock: { nowMs: () => nowMs }, timings: { ...quietTimings, sliceMaxMs: 1_000 } });
    expect(job).toMatchObject({ yields: 1, finished: [], failed: [] });
    expect(job.checkpoints).toHaveLength(3);
  });

  /** Hangs until it is aborted, as a model call does whose slice has to end. */
  const hanging: ModelPort = {
    call: async (_request, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve());
      await promise;
      signal.throwIfAborted();
      throw new Error("an abort has a reason");
    },
  };

  test("aborts everything and reports nothing when its renewal is refused", async () => {
    const job = new MemoryJob();
    job.renewLease = () => Promise.resolve({ accepted: false });
    const { batch } = await deliver(job, hanging, { timings: { ...quietTimings, heartbeatMs: 5 } });
    expect(batch.settled).toEqual(["ack"]);
    expect(job).toMatchObject({ yields: 0, finished: [], failed: [] });
  });

  test("aborts when no renewal was accepted for one lease", async () => {
    const job = new MemoryJob();
    job.renewLease = () => Promise.reject(new Error("unreachable"));
    const { log } = await deliver(job, hanging, { timings: { ...quietTimings, heartbeatMs: 5, leaseMs: 30 } });
    expect(log.messages("WARN").filter((line) => line.includes("lease not renewed")).length).toBeGreaterThan(1);
    expect(job).toMatchObject({ yields: 0, finished: [], failed: [] });
  });

  test("aborts at once when its object says so", async () => {
    const job = new MemoryJob();
    job.control = () => Promise.resolve({ kind: "stale" });
    await deliver(job, hanging);
    expect(job).toMatchObject({ yields: 0, finished: [], failed: [] });
  });

  test.each(["cancel", "abort"] as const)(
    "told to %s in the middle of a call aborts it within two seconds, settles it, and reports nothing",
    async (kind) => {
      const job = new MemoryJob();
      const { promise, resolve } = Promise.withResolvers<{ readonly kind: typeof kind }>();
      job.control = () => promise;
      const usage = { inputTokens: 5, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };
      let toldAtMs = 0;
      await deliver(job, {
        call: (request, options) => {
          options.onUsage(usage);
          toldAtMs = performance.now();
          resolve({ kind });
          return hanging.call(request, options);
        },
      });
      expect(performance.now() - toldAtMs).toBeLessThan(2_000);
      expect(job).toMatchObject({ checkpoints: [], yields: 0, finished: [], failed: [] });
      expect(job.settled).toMatchObject([{ epoch: 1, stepNumber: 1, usage }]);
    },
  );

  test.each(["pause", "yield"] as const)(
    "told to %s ends at its next checkpoint, and goes on when told otherwise",
    async (kind) => {
      const job = new MemoryJob();
      const known: string[] = [];
      const told = Promise.withResolvers<{ readonly kind: typeof kind }>();
      job.control = (query) => {
        known.push(query.known);
        return query.known === "none" ? told.promise : new Promise(() => undefined);
      };
      const model = scriptedModel(async () => {
        told.resolve({ kind });
        await expect.poll(() => known).toHaveLength(2);
        return { calls: [{ id: "c1", name: "list_files" }] };
      });
      await deliver(job, model);
      expect(job).toMatchObject({ yields: 1, finished: [], failed: [], settled: [] });
      expect(job.checkpoints).toHaveLength(1);
      expect(known).toEqual(["none", kind]);

      const resumed = new MemoryJob();
      const begun = Promise.withResolvers<void>();
      const signals = [{ kind }, { kind: "none" }] as const;
      let asked = 0;
      resumed.control = async () => {
        await begun.promise;
        const said = signals[asked];
        asked += 1;
        return said ?? new Promise(() => undefined);
      };
      const patient = scriptedModel(async () => {
        begun.resolve();
        await expect.poll(() => asked).toBe(3);
        return finishing;
      });
      await deliver(resumed, patient);
      expect(resumed).toMatchObject({ yields: 0 });
      expect(resumed.finished).toHaveLength(1);
    },
  );

  test("hears its object again soon after a failed control call", async () => {
    const job = new MemoryJob();
    const answers = [() => Promise.reject(new Error("restarting")), () => Promise.resolve({ kind: "cancel" } as const)];
    job.control = () => answers.shift()?.() ?? Promise.resolve({ kind: "stale" });
    const startedAtMs = performance.now();
    await deliver(job, hanging);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(job.settled).toHaveLength(1);
  });

  test("outlives a failing control call", async () => {
    const job = new MemoryJob();
    job.control = () => Promise.reject(new Error("restarting"));
    await deliver(job, scriptedModel(inOrder([finishing])));
    expect(job.finished).toHaveLength(1);
  });

  test("yields when it has to be cut off", async () => {
    const job = new MemoryJob();
    await deliver(job, hanging, { timings: { ...quietTimings, sliceAbortMs: 10 } });
    expect(job).toMatchObject({ yields: 1, finished: [], failed: [] });
  });

  test("renews its lease while the model thinks", async () => {
    const job = new MemoryJob();
    const model: ModelPort = {
      call: async () => {
        await expect.poll(() => job.renewals).toBeGreaterThan(2);
        return replyOf(finishing);
      },
    };
    await deliver(job, model, { timings: { ...quietTimings, heartbeatMs: 5, leaseMs: 1_000 } });
    expect(job.finished).toHaveLength(1);
  });
});

describe("a triage job", () => {
  test("stores the model's view and asks for the next job, without opening the repository", async () => {
    const job = new MemoryJob({ ...triageJob, assignment: { repository } });
    const broken = { ...gitHub, defaultBranchHead: () => Promise.reject(new Error("must not be asked")) };
    const model = scriptedModel(inOrder([{ text: JSON.stringify(triageAnswer) }]));
    await deliver(job, model, { gitHub: broken });
    expect(job.finished[0]?.outcome).toMatchObject({
      role: "triage",
      byRules: false,
      next: { agentType: "briefs.status-workflow", model: "sonnet" },
    });
    expect(model.requests[0]?.outputSchemaJson).toContain("complexity");
  });

  test.each([
    ["refuses", scriptedModel(inOrder([{ text: "No.", stopReason: "refusal" }]))],
    ["answers nonsense twice", scriptedModel(inOrder([{ text: "?" }, { text: "?" }]))],
    ["cannot be called", failing({ failureClass: "final", reason: "authentication", message: "no" })],
  ])("is decided by rules when the model %s, and the log says so", async (_what, model) => {
    const job = new MemoryJob(triageJob);
    const { log } = await deliver(job, model);
    expect(job.failed).toEqual([]);
    expect(job.finished[0]?.outcome).toMatchObject({ byRules: true, next: { agentType: "briefs.status-workflow" } });
    expect(log.messages("WARN").join()).toContain("triage decided by rules");
  });

  test("waits for a model that is only busy", async () => {
    const job = new MemoryJob(triageJob);
    await deliver(job, failing({ failureClass: "transient", reason: "overloaded", message: "busy" }));
    expect(job.finished).toEqual([]);
    expect(job.failed).toMatchObject([{ failureClass: "transient" }]);
  });

  test("fails for good when the organization may use no agent", async () => {
    const job = new MemoryJob({ ...triageJob, assignment: { allowedAgents: [] } });
    await deliver(job, scriptedModel(inOrder([{ text: JSON.stringify(triageAnswer) }])));
    expect(job.failed).toMatchObject([{ failureClass: "final", error: { reason: "no_agent" } }]);
  });
});

describe("a review job", () => {
  test("reports verdict and findings in words", async () => {
    const job = new MemoryJob({ job: { role: "review", agentType: "meta.review" } });
    const findings = [{ severity: "blocking", path: "a.ts", note: "No test." }];
    const text = JSON.stringify({ decision: "send_back", summary: "Close, but not done.", findings });
    await deliver(job, scriptedModel(inOrder([{ text }])));
    expect(job.finished[0]?.outcome).toEqual({
      role: "review",
      decision: "send_back",
      summary: "Close, but not done.\n- blocking · a.ts: No test.",
    });
  });
});
