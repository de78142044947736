/** What becomes of queue messages: malformed, failing, repeated, and their neighbours. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { EffectClaim, EffectOutcome } from "../../src/contracts/organization-rpc.ts";
import { GitHubError, type GitHubPort, type ProjectionPort } from "../../src/contracts/ports.ts";
import type { PullRequestPlan } from "../../src/contracts/records.ts";
import { systemClock } from "../../src/core/clock.ts";
import { acknowledged, decideDeliveries, retryLater } from "../../src/queues/deliveries.ts";
import { consumeDeadLetters } from "../../src/queues/dead-letters.ts";
import { consumeEffects, type EffectsPorts } from "../../src/queues/effects.ts";
import { consumeRecords, type RecordsObjects } from "../../src/queues/records.ts";
import { batchOf, keptLog, quietTimings } from "../support/queues-fixture.ts";

describe("a batch", () => {
  const schema = z.object({ name: z.string() });
  const message = (body: unknown) => ({ id: "m", attempts: 3, body });

  test("costs no message for its neighbours: malformed is dropped, failing is tried again", async () => {
    const log = keptLog();
    const handled: string[] = [];
    const deliveries = await decideDeliveries(
      [message({ name: "a" }), message("nonsense"), message({ name: "fails" }), message({}), message({ name: "b" })],
      schema,
      ({ name }) => {
        if (name === "fails") throw new Error("broken");
        handled.push(name);
        return Promise.resolve(acknowledged);
      },
      log.logger,
    );
    expect(handled).toEqual(["a", "b"]);
    expect(deliveries).toEqual([acknowledged, acknowledged, retryLater(3), acknowledged, acknowledged]);
    expect(log.messages("ERROR")).toHaveLength(3);
  });

  test.each([
    [1, 1],
    [2, 2],
    [4, 8],
    [9, 60],
    [99, 60],
  ])("is delivered again after attempt %i in %i seconds", (attempts, delaySeconds) => {
    expect(retryLater(attempts)).toEqual({ kind: "retry", delaySeconds });
  });
});

describe("agent-records", () => {
  function portsWith(project: ProjectionPort["project"]) {
    const confirmed: unknown[] = [];
    const asked: unknown[] = [];
    const organization: ReturnType<RecordsObjects["organization"]> = {
      readEvents: (query) => {
        asked.push(query);
        return Promise.resolve({ incarnation: "inc_1", lastSeq: 0, events: [] });
      },
      readBodies: (query) => {
        asked.push(query);
        return Promise.resolve({});
      },
      confirmProjected: (cursor) => {
        confirmed.push(cursor);
        return Promise.resolve();
      },
    };
    const log = keptLog();
    const ports = { objects: { organization: () => organization }, projection: { project }, logger: log.logger };
    return { ports, confirmed, asked, log };
  }

  test("projects, then tells the object how far Postgres is", async () => {
    const { ports, confirmed, asked } = portsWith(async (_organizationId, source) => {
      await source.events(null, 10);
      await source.bodies(["b1"]);
      return { incarnation: "inc_1", seq: 7 };
    });
    const batch = batchOf("agent-records", [{ v: 1, organizationId: "org_a" }]);
    await consumeRecords(ports, batch);
    expect(batch.settled).toEqual(["ack"]);
    expect(confirmed).toEqual([{ organizationId: "org_a", incarnation: "inc_1", seq: 7 }]);
    expect(asked).toEqual([
      { organizationId: "org_a", after: null, limit: 10 },
      { organizationId: "org_a", bodyIds: ["b1"] },
    ]);
  });

  test("tries one organization again while Postgres is away, and projects the others once each", async () => {
    const projected: string[] = [];
    const { ports, confirmed, log } = portsWith((organizationId) => {
      projected.push(organizationId);
      if (organizationId === "org_bad") return Promise.reject(new Error("connection refused"));
      return Promise.resolve({ incarnation: "i", seq: 1 });
    });
    const of = (organizationId: string) => ({ v: 1, organizationId });
    const batch = batchOf("agent-records", [of("org_a"), of("org_bad"), { v: 2 }, of("org_a"), of("org_bad")], 3);
    await consumeRecords(ports, batch);
    expect(batch.settled).toEqual(["ack", "retry 4", "ack", "ack", "retry 4"]);
    expect(projected).toEqual(["org_a", "org_bad"]);
    expect(confirmed).toHaveLength(1);
    expect(log.messages("WARN").join()).toContain("connection refused");
  });
});

const plan: PullRequestPlan = {
  repository: { owner: "o", name: "n" },
  baseBranch: "main",
  baseCommit: "c0",
  branch: "agent/org-x/iss-1",
  commitMessage: "m",
  author: { name: "a", email: "a@example.invalid", dateIso: "2026-01-01T00:00:00Z" },
  title: "t",
  body: "b",
  files: [],
};
const pullRequest = { number: 1, url: "https://github.invalid/1", branch: plan.branch, commit: "c1" };
const effectMessage = { v: 1, organizationId: "org_a", effectId: "eff_1", correlationId: "req_1" };

describe("agent-effects", () => {
  function portsWith(openPullRequest: GitHubPort["openPullRequest"] | null, change: Partial<EffectsPorts> = {}) {
    const outcomes: EffectOutcome[] = [];
    const log = keptLog();
    let claims = 0;
    let renewals = 0;
    const organization: ReturnType<EffectsPorts["objects"]["organization"]> = {
      claimEffect: () => {
        claims += 1;
        const claim: EffectClaim =
          claims === 1 ? { kind: "claimed", epoch: 1, plan, issueId: "iss_1" } : { kind: "stale" };
        return Promise.resolve(claim);
      },
      renewEffect: () => {
        renewals += 1;
        return Promise.resolve({ accepted: true });
      },
      finishEffect: (outcome) => {
        outcomes.push(outcome);
        return Promise.resolve({ accepted: true });
      },
    };
    const unexpected = (): Promise<never> => Promise.reject(new Error("unexpected"));
    const gitHub: GitHubPort | null = openPullRequest && {
      openPullRequest,
      defaultBranchHead: unexpected,
      tree: unexpected,
      blob: unexpected,
    };
    const ports: EffectsPorts = {
      objects: { organization: () => organization },
      gitHub,
      clock: systemClock,
      timings: quietTimings,
      logger: log.logger,
      ...change,
    };
    return { ports, outcomes, log, renewals: () => renewals };
  }

  test("opens the pull request once, however often its message comes", async () => {
    const opened: PullRequestPlan[] = [];
    const { ports, outcomes } = portsWith((wanted) => {
      opened.push(wanted);
      return Promise.resolve(pullRequest);
    });
    const batch = batchOf("agent-effects", [effectMessage, effectMessage, { v: 1 }]);
    await consumeEffects(ports, batch);
    expect(batch.settled).toEqual(["ack", "ack", "ack"]);
    expect(opened).toEqual([plan]);
    expect(outcomes).toEqual([
      { organizationId: "org_a", effectId: "eff_1", epoch: 1, outcome: { kind: "completed", result: pullRequest } },
    ]);
  });

  test.each([
    [
      "transient",
      new GitHubError({ transient: true, reason: "rate_limited", message: "secret text", retryAfterMs: 9 }),
      { kind: "transient", error: { reason: "rate_limited" }, retryAfterMs: 9 },
    ],
    [
      "permanent",
      new GitHubError({ transient: false, reason: "forbidden", message: "secret text" }),
      { kind: "permanent", error: { reason: "forbidden" } },
    ],
    ["of ours", new Error("secret text"), { kind: "transient", error: { reason: "internal" } }],
  ])("reports a failure that is %s, without its internal text", async (_what, error, expected) => {
    const { ports, outcomes } = portsWith(() => Promise.reject(error));
    await consumeEffects(ports, batchOf("agent-effects", [effectMessage]));
    expect(outcomes[0]?.outcome).toMatchObject(expected);
    expect(JSON.stringify(outcomes)).not.toContain("secret text");
  });

  test("reports that the integration is off", async () => {
    const { ports, outcomes } = portsWith(null);
    await consumeEffects(ports, batchOf("agent-effects", [effectMessage]));
    expect(outcomes[0]?.outcome).toMatchObject({ kind: "permanent", error: { reason: "integration_off" } });
  });

  test("keeps its lease alive while GitHub is slow", async () => {
    const { promise, resolve } = Promise.withResolvers<typeof pullRequest>();
    const { ports, outcomes, renewals } = portsWith(() => promise, { timings: { leaseMs: 60, heartbeatMs: 5 } });
    const consumed = consumeEffects(ports, batchOf("agent-effects", [effectMessage]));
    await expect.poll(renewals).toBeGreaterThan(1);
    resolve(pullRequest);
    await consumed;
    expect(outcomes).toHaveLength(1);
  });

  test("is delivered again when the object cannot be reached for a claim", async () => {
    const { ports, outcomes } = portsWith(() => Promise.resolve(pullRequest), {
      objects: {
        organization: () => ({
          claimEffect: () => Promise.reject(new Error("restarting")),
          renewEffect: () => Promise.reject(new Error("restarting")),
          finishEffect: () => Promise.reject(new Error("restarting")),
        }),
      },
    });
    const batch = batchOf("agent-effects", [effectMessage], 2);
    await consumeEffects(ports, batch);
    expect(batch.settled).toEqual(["retry 2"]);
    expect(outcomes).toEqual([]);
  });
});

describe("a dead-letter queue", () => {
  test("is said aloud with the ids of its messages, nothing else of them, and acknowledged", async () => {
    const log = keptLog();
    const job = { v: 1, organizationId: "org_1", jobId: "job_1", dispatchId: "dsp_1", correlationId: "req_1" };
    const batch = batchOf("agent-jobs-dead", [{ ...job, secret: "hunter2" }, "nonsense", { organizationId: 7 }], 4);
    await consumeDeadLetters({ logger: log.logger }, batch);
    expect(batch.settled).toEqual(["ack", "ack", "ack"]);
    const errors = log.messages("ERROR");
    expect(errors).toHaveLength(3);
    for (const id of ["org_1", "job_1", "dsp_1", "req_1", "agent-jobs-dead"]) expect(errors[0]).toContain(id);
    expect(log.lines.join()).not.toContain("hunter2");
  });

  test("stands behind every queue that has work, in production and locally, with a consumer of its own", async () => {
    const configuration = await readFile(new URL("../../wrangler.toml", import.meta.url), "utf8");
    const consumers = configuration
      .split("[[")
      .filter((block) => /^(?:env\.local\.)?queues\.consumers\]\]/u.test(block))
      .map((block) => ({
        scope: block.startsWith("env.local") ? "local" : "production",
        queue: /^queue = "(.+)"$/mu.exec(block)?.[1] ?? "",
        dead: /^dead_letter_queue = "(.+)"$/mu.exec(block)?.[1] ?? null,
      }));
    const working = consumers.filter(({ queue }) => !queue.endsWith("-dead"));
    expect(working).toHaveLength(3 + 12);
    for (const { scope, queue, dead } of working) {
      expect(dead).toBe(`${queue.replace(/-\d$/u, "")}-dead`);
      expect(consumers).toContainEqual({ scope, queue: dead, dead: null });
    }
  });
});
