/** The simulator can fail: each rule, broken on purpose, is noticed. */
import { describe, expect, test } from "vitest";
import type { ProjectionPort } from "../../src/contracts/ports.ts";
import { worst } from "./faults.ts";
import { propertyOf, textOf } from "./properties.ts";
import type { ObjectHost } from "./object-host.ts";
import { runSeed } from "./run-seed.ts";
import { seedsFrom } from "./run-seeds.ts";
import { noSabotage } from "./sabotage.ts";
import { leastSuccess } from "./thread-result.ts";
import { afterwards, honest, noticed, replaced } from "./sabotage-tools.ts";

describe("a run notices", () => {
  test("a platform that grants a slot twice", async () => {
    const doubled = new Set<ObjectHost>();
    const grantTwice = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "grantSlot" && !doubled.has(host)) {
        doubled.add(host);
        await honest(host, method, replaced(command, "slotId", `${textOf(command, "slotId")}-again`)).catch(() => null);
      }
      return honest(host, method, command);
    };
    expect(await noticed({ carryOut: grantTwice }, /starts while \d of \d run/u)).toBe(true);
  });

  test("a platform that gives away more slots than there are", async () => {
    const noLimit = { settings: { AGENT_MAX_CONCURRENCY: "9" } };
    expect(await noticed(noLimit, /has given away \d of \d slots|starts while \d of \d run/u)).toBe(true);
  });

  test("an organization that ignores epochs", async () => {
    const ignoreEpochs = (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const jobId = textOf(command, "jobId");
      const isWrite = method === "checkpoint" || method === "finish";
      const [row] = isWrite ? host.disk.query<{ state: string }>("SELECT state FROM jobs WHERE id = ?", jobId) : [];
      if (row === undefined) return honest(host, method, command);
      const state: unknown = JSON.parse(row.state);
      return honest(host, method, replaced(command, "epoch", propertyOf(state, "epoch")));
    };
    expect(await noticed({ carryOut: ignoreEpochs }, /of epoch \d+ of job_\w+ was accepted/u, 400)).toBe(true);
  });

  test("a dispatch that can be claimed twice", async () => {
    const generous = afterwards(["claim"], ({ disk }) =>
      disk.query(
        "UPDATE jobs SET state = json_set(state, '$.dispatch.claimed', json('false')) WHERE state ->> '$.dispatch.claimed'",
      ),
    );
    expect(await noticed({ carryOut: generous }, /epoch \d+ begins while \d+ lives/u)).toBe(true);
  });

  test("an organization to which agents say nothing, so that unfinished work leaves nothing", async () => {
    const silent = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "checkpoint" ? replaced(command, "appendedMessages", []) : command);
    expect(await noticed({ carryOut: silent }, /job_\w+ is (?:FAILED|CANCELLED) and left nothing/u)).toBe(true);
  });

  test("objects that take their time to send again", async () => {
    const slow = { settings: { OBJECT_RESEND_AFTER_MS: "30000", OBJECT_RESEND_MAX_MS: "600000" } };
    expect(await noticed(slow, /has not sent its demand again/u, 300)).toBe(true);
  });

  test("a platform that leaves a slot free beside demand", async () => {
    const forgetful = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method === "reportDemand") host.disk.query("DELETE FROM slots WHERE is_held = 0");
      return answer;
    };
    expect(await noticed({ carryOut: forgetful }, /a slot is free beside acknowledged demand/u)).toBe(true);
  });

  test("an issue that never ends", async () => {
    const deaf = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      method === "claim" ? Promise.resolve({ kind: "stale" }) : honest(host, method, command);
    expect(await noticed({ carryOut: deaf }, /has not ended|something goes on for ever/u)).toBe(true);
  });

  test("a job that changes after its end", async () => {
    const twice = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method !== "finish") return honest(host, method, command);
      const before = host.disk.query("SELECT state, status, slot_id FROM jobs WHERE id = ?", textOf(command, "jobId"));
      const answer = await honest(host, method, command);
      for (const { state, status, slot_id: slotId } of before) {
        const jobId = textOf(command, "jobId");
        host.disk.query(
          "UPDATE jobs SET state = ?, status = ?, slot_id = ? WHERE id = ?",
          state,
          status,
          slotId,
          jobId,
        );
      }
      host.evict();
      await honest(host, method, command).catch(() => null);
      return answer;
    };
    expect(await noticed({ carryOut: twice }, /went from COMPLETED to/u)).toBe(true);
  });

  test("a job that goes on after its end", async () => {
    const reopen = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method === "finish") {
        const jobId = textOf(command, "jobId");
        host.disk.query("UPDATE jobs SET state = json_set(state, '$.record.status', 'PENDING') WHERE id = ?", jobId);
        host.disk.query("UPDATE jobs SET status = 'PENDING', slot_id = NULL, ready_at_ms = 0 WHERE id = ?", jobId);
      }
      return answer;
    };
    expect(await noticed({ carryOut: reopen }, /job.dispatched of job_\w+ after its end: COMPLETED/u)).toBe(true);
  });

  test("a gap in the log", async () => {
    const lossy = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "claim")
        host.disk.query("UPDATE events SET seq = seq + 1000 WHERE seq = (SELECT MAX(seq) FROM events)");
      return honest(host, method, command);
    };
    expect(await noticed({ carryOut: lossy }, /event \d+ follows \d+/u)).toBe(true);
  });

  test("an event that is projected twice", async () => {
    const twice = (store: ProjectionPort): ProjectionPort => ({
      project: (organizationId, source) =>
        store.project(organizationId, {
          ...source,
          events: async (after, limit) => {
            const page = await source.events(after, limit);
            return { ...page, events: [...page.events.slice(0, 1), ...page.events] };
          },
        }),
    });
    expect(await noticed({ projection: twice }, /of \d+ events \d+ were projected/u)).toBe(true);
  });

  test("a projection that is never told", async () => {
    const silent = (): ProjectionPort => ({ project: () => Promise.reject(new Error("Postgres is away")) });
    expect(await noticed({ projection: silent }, /records is still due|of \d+ events 0 were projected/u)).toBe(true);
  });

  test("a change of an approved plan between two tries", async () => {
    let tries = 0;
    const fickle = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "finishEffect" && tries % 2 === 1) {
        const error = { reason: "unavailable", message: "Told to fail." };
        return honest(host, method, replaced(command, "outcome", { kind: "transient", error, retryAfterMs: null }));
      }
      const answer = await honest(host, method, command);
      if (method !== "claimEffect" || propertyOf(answer, "kind") !== "claimed") return answer;
      tries += 1;
      return replaced(answer, "plan", replaced(propertyOf(answer, "plan"), "title", `try ${tries}`));
    };
    expect(await noticed({ carryOut: fickle }, /more than one thing was asked of GitHub/u)).toBe(true);
  });

  test("one organization's issue in another", async () => {
    const leaky = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "submit" ? replaced(command, "title", "What org-0 and org-1 do") : command);
    expect(await noticed({ carryOut: leaky }, /has an event of org-\d/u)).toBe(true);
  });

  test("that one key makes two issues", async () => {
    const forgetKeys = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "submit" ? replaced(command, "idempotency", null) : command);
    expect(await noticed({ carryOut: forgetKeys }, /has made a second issue/u, 300)).toBe(true);
  });

  test("a cancelled issue that goes on", async () => {
    const stubborn = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method === "commandIssue" && propertyOf(command, "command") === "cancel") {
        host.disk.query(
          "UPDATE jobs SET status = 'PENDING', ready_at_ms = 0, state = json_set(state, '$.record.status', 'PENDING') WHERE issue_id = ?",
          textOf(command, "issueId"),
        );
      }
      return answer;
    };
    expect(await noticed({ carryOut: stubborn }, /after iss_\w+ was cancelled/u, 100)).toBe(true);
  });

  test("a failure that uses up two attempts", async () => {
    const wasteful = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const jobId = textOf(command, "jobId");
      if (method === "claim") {
        host.disk.query(
          "UPDATE jobs SET state = json_set(state, '$.record.attempts', (state ->> '$.record.attempts') + 1) WHERE id = ?",
          jobId,
        );
      }
      return honest(host, method, command);
    };
    expect(await noticed({ carryOut: wasteful }, /begins attempt \d after \d failures/u)).toBe(true);
  });

  test("issues that have ended and never leave, and an object that never falls asleep", async () => {
    const hoarding = afterwards(["confirmProjected"], ({ disk }) =>
      disk.query("DELETE FROM deadlines WHERE name = 'prune'"),
    );
    expect(await noticed({ carryOut: hoarding }, /still keeps \d issues that have ended/u)).toBe(true);
    const restless = afterwards(["finish"], ({ disk }) =>
      disk.query("INSERT OR REPLACE INTO deadlines (name, due_at_ms, tries) VALUES ('budget', 9e15, 0)"),
    );
    expect(await noticed({ carryOut: restless }, /still has budget to do|still has an alarm/u)).toBe(true);
  });

  test("a branch that belongs to nobody", async () => {
    const astray = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      if (method !== "claimEffect" || propertyOf(answer, "kind") !== "claimed") return answer;
      const plan = propertyOf(answer, "plan");
      return replaced(answer, "plan", replaced(plan, "branch", textOf(plan, "branch").replace("iss_", "iss_0")));
    };
    expect(await noticed({ carryOut: astray }, /the branch agent\/org-org-\d\/iss_\w+ belongs to nobody/u)).toBe(true);
  });

  test("work that mostly fails", async () => {
    const hopeless = (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method !== "finish") return honest(host, method, command);
      const error = { reason: "final", message: "Told to fail." };
      return honest(host, "fail", { ...replaced(command, "error", error), failureClass: "final", retryAfterMs: null });
    };
    const jobs = { ended: 0, completed: 0 };
    for (const seed of seedsFrom(1, 20)) {
      const result = await runSeed(seed, { ...noSabotage, carryOut: hopeless });
      jobs.ended += result.jobs.ended;
      jobs.completed += result.jobs.completed;
    }
    expect(jobs.ended).toBeGreaterThan(0);
    expect(jobs.completed / jobs.ended).toBeLessThan(leastSuccess);
  });
});

describe("a seed", () => {
  test("has some of the faults, and together seeds have all of them", async () => {
    const happened = new Set<string>();
    for (const seed of seedsFrom(1, 40)) for (const fault of (await runSeed(seed)).faults) happened.add(fault);
    expect([...happened].sort()).toEqual(Object.keys(worst).sort());
  });

  test("runs the same way every time", async () => {
    const traces = async (): Promise<readonly number[]> => {
      const results = [];
      for (const seed of seedsFrom(1, 20)) results.push(await runSeed(seed));
      return results.map(({ trace }) => trace);
    };
    const first = await traces();
    expect(await traces()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });
});
