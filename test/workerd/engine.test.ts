/** The agent engine whole: consumer, loop, model port and objects, under everything that a provider and a deploy can do. */
import { evictAllDurableObjects, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { findAgent } from "../../src/agents/registry.ts";
import { type ModelName, modelTable } from "../../src/contracts/models.ts";
import type { Checkpoint, EpochRef } from "../../src/contracts/organization-rpc.ts";
import type { SliceOrganization } from "../../src/queues/slice.ts";
import type { Tool } from "../../src/tools/define-tool.ts";
import { findTool } from "../../src/tools/registry.ts";
import { normalizeHistory } from "../support/normalize-history.ts";
import {
  callsOfWholeJob,
  deliver,
  type EnginePorts,
  letTimePass,
  readIssue,
  newOrganization,
  resultsOf,
  runToEnd,
  stepsOfWholeJob,
  submitWork,
  transcriptOf,
  wholeJob,
} from "./engine-driver.ts";
import { allEvents, clients, everything, nextJobMessage, objectOf } from "./organization-driver.ts";
import { beginningText, ScriptedApi, transientFaults } from "./scripted-api.ts";
import { advanceMs } from "./test-clock.ts";

/** For a run of many slices on a busy machine. */
const longTest = { timeout: 30_000 };
const agentId = "briefs.status-workflow";
const deployedPrompt = findAgent(agentId)?.prompt ?? "";

/** The next build says something else to its agent. */
function deployWithPrompt(prompt: string): void {
  Object.assign(findAgent(agentId) ?? {}, { prompt });
}

/** Gives an agent another fall-back model, or none. */
function setFallback(id: string, fallbackModel: ModelName | undefined): void {
  Object.assign(findAgent(id) ?? {}, { fallbackModel });
}

const ownFallback = findAgent(agentId)?.fallbackModel;

afterEach(async () => {
  vi.unstubAllGlobals();
  deployWithPrompt(deployedPrompt);
  setFallback(agentId, ownFallback);
  await reset();
});

/** What a run has to show in the end, in words that equal runs share. */
async function outcomeOf(organizationId: string, issueId: string) {
  const detail = await readIssue(organizationId, issueId);
  const jobId = detail.jobs[0]?.id ?? "";
  const events = (await allEvents(organizationId)).filter((event) => event.jobId === null || event.jobId === jobId);
  return {
    transcript: await transcriptOf(organizationId, jobId),
    results: await resultsOf(organizationId, issueId),
    job: {
      status: detail.jobs[0]?.status,
      attempts: detail.jobs[0]?.attempts,
      costMicroUsd: detail.jobs[0]?.costMicroUsd,
    },
    events: normalizeHistory({ events, detail: null, rows: {} }, { [organizationId]: "organization" }).events,
  };
}

let calmRun: ReturnType<typeof runUndisturbed> | null = null;

/** A run that nothing disturbs; made once. */
function undisturbed(): ReturnType<typeof runUndisturbed> {
  return (calmRun ??= runUndisturbed());
}

async function runUndisturbed() {
  const organizationId = await newOrganization();
  const api = new ScriptedApi(wholeJob);
  const { issue } = await runToEnd(organizationId, { api });
  return { requests: api.requests, ...(await outcomeOf(organizationId, issue.id)) };
}

describe("a transient fault", () => {
  /** What the agent falls back to would hide what waiting and trying again are worth. */
  beforeEach(() => setFallback(agentId, undefined));

  test.each(transientFaults)(
    "(%s) at every call of a job changes nothing of what comes of it",
    longTest,
    async (fault) => {
      const calm = await undisturbed();
      const organizationId = await newOrganization();
      // More in a row than an agent with a fall-back model would wait for, once.
      const faultsAt = (turn: number) => (turn === 2 ? 4 : 1);
      const api = new ScriptedApi(wholeJob, (turn, tries) => (tries <= faultsAt(turn) ? fault : null));
      const { issue, jobs } = await runToEnd(organizationId, { api });
      const disturbed = await outcomeOf(organizationId, issue.id);

      expect(calm.job).toMatchObject({ status: "COMPLETED", attempts: 1 });
      expect(disturbed.results).toEqual(calm.results);
      expect(disturbed.transcript).toEqual(calm.transcript);
      expect(disturbed.job).toMatchObject({ status: "COMPLETED", attempts: 1 });
      expect(api.requests).toHaveLength(2 * callsOfWholeJob + 3);
      const steps = (await allEvents(organizationId)).filter(
        ({ type, jobId }) => type === "step.recorded" && jobId === jobs[0]?.id,
      );
      expect(steps).toHaveLength(stepsOfWholeJob);
    },
  );
});

test("a model that stays away is left for the agent's fall-back model, which does the work from its beginning", async () => {
  const organizationId = await newOrganization();
  const report = "# Report\nIt is the condition.";
  const research = (turn: number) =>
    [
      { text: "I look.", calls: [{ name: "read_file", input: { path: "src/briefs.ts" } }] },
      { calls: [{ name: "finish", input: { summary: "Found.", report } }] },
    ][turn] ?? {};
  const api = new ScriptedApi(research, (turn, tries) => (turn === 1 && tries <= 3 ? "overloaded" : null));
  const { issue, jobs } = await runToEnd(organizationId, { api }, { requestedAgentType: "meta.research" });
  const models = api.requests.map((body) => z.object({ model: z.string() }).parse(JSON.parse(body)).model);
  const { sonnet, haiku } = modelTable;
  expect(models).toEqual([...Array<string>(4).fill(sonnet.apiId), haiku.apiId, haiku.apiId]);
  expect(jobs[0]).toMatchObject({ status: "COMPLETED", model: "haiku", attempts: 2, maxAttempts: 4 });
  expect(await resultsOf(organizationId, issue.id)).toMatchObject([{ type: "ANALYSIS", content: report }]);
  const [first] = await transcriptOf(organizationId, jobs[0]?.id ?? "", 2);
  expect(first).toContain("overloaded");
});

describe("a fault that nothing heals", () => {
  test.each([
    ["spend_cap", "spend_cap"],
    ["refused_request", "request_refused"],
  ] as const)("(%s) costs one call and keeps what there is", async (fault, reason) => {
    const organizationId = await newOrganization();
    const api = new ScriptedApi(wholeJob, (turn) => (turn === 3 ? fault : null));
    const { issue, jobs } = await runToEnd(organizationId, { api });
    expect(api.requests).toHaveLength(4);
    expect(jobs[0]).toMatchObject({ status: "FAILED", error: { reason }, attempts: 1 });
    await expectPartialWork(organizationId, issue.id, reason);
  });

  test.each([
    ["refusal", "refused"],
    ["something_new", "unknown_stop"],
  ])("(the stop reason %s) costs one call and keeps what there is", async (stopReason, reason) => {
    const organizationId = await newOrganization();
    const api = new ScriptedApi((turn) => (turn === 3 ? { text: "No more.", stopReason } : wholeJob(turn)));
    const { issue, jobs } = await runToEnd(organizationId, { api });
    expect(api.requests).toHaveLength(4);
    expect(jobs[0]).toMatchObject({ status: "FAILED", error: { reason }, attempts: 1 });
    await expectPartialWork(organizationId, issue.id, reason);
  });

  async function expectPartialWork(organizationId: string, issueId: string, reason: string): Promise<void> {
    const results = await resultsOf(organizationId, issueId);
    expect(results).toMatchObject([{ type: "ANALYSIS", name: "Partial work", metadata: { partial: true, reason } }]);
    expect(results[0]?.diffPatch).toContain("+++ b/src/briefs.test.ts");
    expect((await readIssue(organizationId, issueId)).reviews).toEqual([]);
  }
});

test("an unknown tool is answered as an error, and costs one call more", async () => {
  const organizationId = await newOrganization();
  const api = new ScriptedApi((turn) => (turn === 0 ? { calls: [{ name: "no_such_tool" }] } : wholeJob(turn - 1)));
  const { issue } = await runToEnd(organizationId, { api });
  expect(api.requests).toHaveLength(callsOfWholeJob + 1);
  expect(await resultsOf(organizationId, issue.id)).toEqual((await undisturbed()).results);
});

describe("a job whose slice dies after every checkpoint", () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  /** Lets one more checkpoint through, or none for a slice that only begins, and nothing after it. */
  function dyingAfterOne(organization: SliceOrganization, died: () => void): SliceOrganization {
    let isDead = false;
    const unless =
      <Command, Answer>(call: (command: Command) => Promise<Answer>) =>
      (command: Command) =>
        isDead ? never() : call(command);
    return {
      claim: (command) => organization.claim(command),
      control: () => never(),
      renewLease: unless((ref) => organization.renewLease(ref)),
      streamText: unless((words) => organization.streamText(words)),
      beginAttempt: unless((command) => organization.beginAttempt(command)),
      reserve: unless((command) => organization.reserve(command)),
      release: unless((ref) => organization.release(ref)),
      settle: unless((command) => organization.settle(command)),
      finish: unless((command) => organization.finish(command)),
      fail: unless((command) => organization.fail(command)),
      askPerson: unless((command) => organization.askPerson(command)),
      yieldSlice: unless((ref) => organization.yieldSlice(ref)),
      checkpoint: async (checkpoint) => {
        if (isDead) return never();
        await organization.checkpoint(checkpoint);
        isDead = true;
        died();
        return never();
      },
    };
  }

  const drain = {
    scope: { kind: "platform" },
    mode: "drain",
    actor: { kind: "platform", name: "root" },
    reason: "A deploy.",
    expiresAtMs: null,
  } as const;

  test(
    "evicted, drained and deployed anew in between, ends as if nothing had happened, and pays no call twice",
    longTest,
    async () => {
      const calm = await undisturbed();
      const organizationId = await newOrganization();
      const api = new ScriptedApi(wholeJob);
      const issueId = await submitWork(organizationId);
      let kills = 0;
      for (let seen = 0; kills < stepsOfWholeJob; seen += 1) {
        const message = await nextJobMessage(organizationId, seen);
        const { promise: died, resolve } = Promise.withResolvers<void>();
        const between = (organization: SliceOrganization) => dyingAfterOne(organization, resolve);
        let shared: SliceOrganization | null = null;
        void deliver({ api, between: (organization) => (shared ??= between(organization)) }, message);
        await died;
        kills += 1;
        deployWithPrompt(`${deployedPrompt}\n\nBuild ${kills}.`);
        if (kills % 3 === 0) await evictAllDurableObjects();
        const platform = clients.platform();
        const set = kills % 4 === 0 ? await platform.setSwitch(drain) : null;
        await letTimePass(organizationId, 16_000);
        if (set?.ok === true) {
          await platform.removeSwitch({ switchId: set.value.id, actor: drain.actor, reason: "Deployed." });
          await letTimePass(organizationId, 1_000);
        }
      }
      await deliver({ api }, await nextJobMessage(organizationId, kills));
      const disturbed = await outcomeOf(organizationId, issueId);
      expect(disturbed.transcript).toEqual(calm.transcript);
      expect(disturbed.results).toEqual(calm.results);
      expect(disturbed.job).toEqual(calm.job);
      expect(disturbed.events).toEqual(calm.events);
      expect(api.requests).toEqual(calm.requests);
      const estimated = (await allEvents(organizationId)).filter(({ type }) => type === "job.cost_estimated");
      expect(estimated).toEqual([]);
    },
  );
});

describe("a tool that acts", () => {
  const name = "search_files";
  const { access, execute } = findTool(name) ?? {};

  afterEach(() => {
    Object.assign(findTool(name) ?? {}, { access, execute });
  });

  /** The world outside: it does what it is asked under a key once, however often it is asked. */
  class OutsideWorld {
    readonly asked: string[] = [];
    readonly done = new Map<string, unknown>();

    /** Lets one of the agent's tools act on it. */
    takeOver(): void {
      const act: Tool["execute"] = ({ idempotencyKey }, input) => {
        this.asked.push(idempotencyKey);
        if (!this.done.has(idempotencyKey)) this.done.set(idempotencyKey, input);
        return Promise.resolve({ output: "Done." });
      };
      Object.assign(findTool(name) ?? {}, { access: "act", execute: act });
    }
  }

  /** Twice the same in one turn, and once more in the next. */
  const act = { name, input: { glob: "*.md" } };
  const script = (turn: number) =>
    [{ calls: [act, act] }, { calls: [act] }, { calls: [{ name: "finish", input: { summary: "Told." } }] }][turn] ?? {};

  /** Silences the slice in place of its first checkpoint of tools. */
  function dyingAfterTools(organization: SliceOrganization, died: () => void): SliceOrganization {
    let isDead = false;
    const never = (): Promise<never> => new Promise(() => undefined);
    return new Proxy(organization, {
      get: (target, method): unknown => {
        if (isDead || method === "control") return never;
        if (method !== "checkpoint") return Reflect.get(target, method);
        return (checkpoint: Checkpoint) => {
          if (checkpoint.steps[0]?.kind !== "tool") return target.checkpoint(checkpoint);
          isDead = true;
          died();
          return never();
        };
      },
    });
  }

  test("does so once for each call, though its slice was killed before it could tell; and anew for a job that does it again", async () => {
    const outside = new OutsideWorld();
    outside.takeOver();
    const organizationId = await newOrganization();
    const api = new ScriptedApi(script);
    const issueId = await submitWork(organizationId);
    for (const kill of [1, 2]) {
      const { promise: died, resolve } = Promise.withResolvers<void>();
      let dying: SliceOrganization | null = null;
      const between = (organization: SliceOrganization) => (dying ??= dyingAfterTools(organization, resolve));
      void deliver({ api, between }, await nextJobMessage(organizationId, kill - 1));
      await died;
      await evictAllDurableObjects();
      await letTimePass(organizationId, 16_000);
    }
    await deliver({ api }, await nextJobMessage(organizationId, 2));
    expect((await readIssue(organizationId, issueId)).jobs).toMatchObject([{ status: "COMPLETED", attempts: 1 }]);

    const [first = "", second = ""] = outside.asked;
    const third = outside.asked.at(-1) ?? "";
    expect(outside.asked).toEqual([first, second, first, second, first, second, third]);
    expect([...outside.done.keys()]).toEqual([first, second, third]);
    expect(outside.done.size).toBe(3);

    const replay = { fromStep: 1, jobId: null, attempt: null, model: null, note: null };
    const command = { organizationId, issueId, visibility: everything, authority: everything, actor: "ada" };
    await objectOf(organizationId).commandIssue({ ...command, command: "retry", reason: null, replay });
    await deliver({ api }, await nextJobMessage(organizationId, 3));
    expect(outside.done.size).toBe(6);
    expect(outside.asked.slice(7)).toEqual([...outside.done.keys()].slice(3));
  });
});

describe("a model that does not behave", () => {
  /** No more than a few calls' worth. */
  const dailyBudgetMicroUsd = 2_000_000;

  /** Runs a job, and looks after every call whether more is spent or set aside than there is. */
  async function runWatched(
    api: ScriptedApi,
    options: Pick<EnginePorts, "timings"> & { readonly beforeFailing?: (ref: EpochRef) => Promise<void> } = {},
  ) {
    const { timings = {}, beforeFailing } = options;
    const organizationId = await newOrganization({ dailyBudgetMicroUsd });
    const between = (organization: SliceOrganization): SliceOrganization => {
      const reserve: SliceOrganization["reserve"] = async (command) => {
        const answer = await organization.reserve(command);
        const { day } = await objectOf(organizationId).readBudget({ organizationId });
        expect(day.committedMicroUsd + day.reservedMicroUsd).toBeLessThanOrEqual(day.limitMicroUsd);
        return answer;
      };
      const fail: SliceOrganization["fail"] = async (command) => {
        await beforeFailing?.(command);
        return organization.fail(command);
      };
      const replaced = { reserve, fail };
      return new Proxy(organization, {
        get: (target, name): unknown => Reflect.get(name in replaced ? replaced : target, name),
      });
    };
    const detail = await runToEnd(organizationId, { api, between, timings });
    const { day } = await objectOf(organizationId).readBudget({ organizationId });
    expect(day.reservedMicroUsd).toBe(0);
    expect(day.committedMicroUsd).toBeLessThanOrEqual(dailyBudgetMicroUsd);
    return detail;
  }

  test("and always calls tools stops by its steps, or by its repetitions", longTest, async () => {
    const reading = (turn: number) => ({ calls: [{ name: "search_code", input: { text: `word ${turn}` } }] });
    const busy = await runWatched(new ScriptedApi(reading));
    expect(busy.jobs[0]).toMatchObject({ status: "FAILED", error: { reason: "steps" }, attempts: 1 });
    const circling = await runWatched(new ScriptedApi(() => reading(0)));
    expect(circling.jobs[0]).toMatchObject({ status: "FAILED", error: { reason: "stuck" }, attempts: 1 });
  });

  test("and returns 50 MB of text is cut off", async () => {
    const words = `event: content_block_delta\ndata: ${JSON.stringify({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x".repeat(1_000_000) } })}\n\n`;
    let sent = 0;
    const flood = (): Response => {
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 1;
          if (sent % 50 === 0) controller.close();
          else controller.enqueue(new TextEncoder().encode(words));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const detail = await runWatched(new ScriptedApi(wholeJob, flood));
    expect(detail.jobs[0]).toMatchObject({ status: "FAILED", error: { reason: "answer_too_large" }, attempts: 3 });
    expect(sent).toBeLessThan(3 * 12);
  });

  test("and returns nothing fails for it", async () => {
    const detail = await runWatched(new ScriptedApi(() => ({})));
    expect(detail.jobs[0]).toMatchObject({ status: "FAILED", error: { reason: "empty_answer" }, attempts: 3 });
  });

  test("and drips its words stops by the job's time", longTest, async () => {
    const encoder = new TextEncoder();
    const drip = (): Response => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(encoder.encode(beginningText("claude-sonnet-5-5", 0))),
        pull: async (controller) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          controller.enqueue(encoder.encode(":"));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const detail = await runWatched(new ScriptedApi(wholeJob, drip), {
      timings: { modelCallMaxMs: 10 },
      beforeFailing: letFourMinutesPass,
    });
    expect(detail.jobs[0]).toMatchObject({ status: "FAILED", error: { reason: "time" }, attempts: 1 });
  });

  /** The time that a call may take at most, in which its slice keeps the lease. */
  async function letFourMinutesPass(ref: EpochRef): Promise<void> {
    for (let beats = 0; beats < 17; beats += 1) {
      advanceMs(14_000);
      await clients.organization(ref.organizationId).renewLease(ref);
    }
  }
});

describe("the ends of work", () => {
  test(
    "are counted by agent, definition and model, each once, and told when they say something",
    longTest,
    async () => {
      const organizationId = await newOrganization();
      const elsewhere = {
        agentType: agentId,
        agentVersion: findAgent(agentId)?.version ?? "",
        model: "sonnet",
      } as const;
      const report = { organizationId: "org-elsewhere", counts: [{ ...elsewhere, succeeded: 8, failed: 0 }] };
      await clients.platform().reportOutcomes(report);
      await clients.platform().reportOutcomes(report);
      const outcomes = async () => (await clients.platform().readTerms(organizationId)).outcomes;
      await runToEnd(organizationId, { api: new ScriptedApi(wholeJob) });
      await letTimePass(organizationId, 1);
      expect(await outcomes()).toEqual([]);
      await runToEnd(organizationId, { api: new ScriptedApi(wholeJob, (turn) => (turn === 3 ? "spend_cap" : null)) });
      expect(await outcomes()).toEqual([]);
      await runToEnd(organizationId, { api: new ScriptedApi(wholeJob) });
      await vi.waitUntil(async () => (await outcomes()).length > 0);
      expect(await outcomes()).toEqual([{ ...elsewhere, succeeded: 10, failed: 0 }]);
      const untold = await runInDurableObject(env.ORGANIZATIONS.getByName(organizationId), (_object, { storage }) =>
        storage.sql.exec("SELECT succeeded, failed, is_told FROM outcomes").toArray(),
      );
      expect(untold).toEqual([{ succeeded: 2, failed: 0, is_told: 1 }]);
    },
  );
});

describe("the requests of a long job", () => {
  const charactersPerToken = 3.5;
  const page = "A line of the handbook that says nothing new but takes its place.\n".repeat(53);
  const longTurns = 20;
  const script = (turn: number) =>
    turn < longTurns - 1
      ? { calls: [{ name: "write_file", input: { path: `docs/page-${turn}.md`, content: page } }] }
      : { calls: [{ name: "finish", input: { summary: "Written." } }] };

  test("are each the one before, byte for byte, with what was appended; nine tenths of their input are cache reads", async () => {
    const api = new ScriptedApi(script);
    const description = "The handbook lacks pages about the briefs. ".repeat(700);
    await runToEnd(await newOrganization(), { api }, { description });
    const { requests } = api;
    expect(requests).toHaveLength(longTurns);
    for (const [index, request] of requests.slice(1).entries()) {
      const before = requests[index] ?? "";
      expect(request.startsWith(`${before.slice(0, -"]}".length)},`)).toBe(true);
      expect(request.match(/"cache_control":\{"type":"ephemeral"\}/gu)).toHaveLength(2);
    }
    const tokens = requests.map((request) => request.length / charactersPerToken);
    expect(tokens[0]).toBeGreaterThan(10_000);
    // A request reads what the one before has written: everything up to its own last breakpoint, behind its last message.
    const read = tokens.slice(1, -1).reduce((sum, each) => sum + each, 0);
    const whole = tokens.slice(2).reduce((sum, each) => sum + each, 0);
    expect(read / whole).toBeGreaterThanOrEqual(0.9);
  });
});
