/** The simulator can fail: each rule about switches, times and keys, broken on purpose, is noticed. */
import { describe, expect, test } from "vitest";
import type { ObjectHost } from "./object-host.ts";
import {
  afterwards,
  honest,
  inScenarios,
  noticed,
  replaced,
  withAct,
  withIssues,
  withoutSwitches,
  withSwitch,
} from "./sabotage-tools.ts";
import type { Scenario } from "./scenario.ts";

describe("a run notices", () => {
  test("work that is dispatched under a hold", async () => {
    const held = withSwitch("hold");
    expect(await noticed({ carryOut: withoutSwitches("grantSlot"), ...held }, /was dispatched under hold/u)).toBe(true);
  });

  test("a slot that is offered before its holder knows of a drain", async () => {
    const drained = withSwitch("drain");
    const deaf = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "applyTerms" ? replaced(command, "switches", []) : command);
    expect(await noticed({ carryOut: deaf, ...drained }, /is offered a slot before it knows of drain/u)).toBe(true);
  });

  test("a switch that is never acknowledged, while slots are kept back for its sake", async () => {
    const mute = (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "applyTerms") return Promise.withResolvers().promise;
      return honest(host, method, method === "reportDemand" ? replaced(command, "termsVersion", 0) : command);
    };
    const words = /slots are kept back from org-\d, which has not acknowledged a switch/u;
    expect(await noticed({ carryOut: mute, ...withSwitch("hold") }, words)).toBe(true);
  });

  test("an organization that goes back to older terms", async () => {
    const first = new WeakMap<ObjectHost, unknown>();
    const nostalgic = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      const answer = await honest(host, method, command);
      const terms = host.disk.read("terms");
      if (terms !== undefined && !first.has(host)) first.set(host, terms);
      if (method !== "applyTerms" || first.get(host) === terms) return answer;
      host.evict();
      host.disk.put("terms", first.get(host));
      return answer;
    };
    expect(await noticed({ carryOut: nostalgic, ...withSwitch("hold") }, /terms \d+ follow \d+/u)).toBe(true);
  });

  test("a slice that is not told of a drain, and one that outlives an abort", async () => {
    const hideRunning = async (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method !== "applyTerms") return honest(host, method, command);
      host.disk.query("UPDATE jobs SET status = 'HIDDEN' WHERE status = 'RUNNING'");
      const answer = await honest(host, method, command);
      host.disk.query("UPDATE jobs SET status = 'RUNNING' WHERE status = 'HIDDEN'");
      return answer;
    };
    const drained = withSwitch("drain");
    expect(await noticed({ carryOut: hideRunning, ...drained }, /runs on, untold, under drain/u)).toBe(true);
    const aborted = withSwitch("abort");
    expect(await noticed({ carryOut: hideRunning, ...aborted }, /runs on under abort/u)).toBe(true);
  });

  test("a submission that is accepted though a switch refuses it", async () => {
    const refusing = withSwitch("refuse");
    const careless = withoutSwitches("submit");
    expect(await noticed({ carryOut: careless, ...refusing }, /was accepted though swi_\w+ refuses it/u)).toBe(true);
  });

  test("two jobs at a time where one is debugged", async () => {
    const debugged = withSwitch("debug", { kind: "module", value: "meta" });
    const words = /was dispatched beside job_\w+ though they are debugged/u;
    expect(await noticed({ carryOut: withoutSwitches("grantSlot"), ...debugged }, words, 100)).toBe(true);
  });

  test("work that waits on after an order to clear", async () => {
    const cleared = withAct({ kind: "administer", afterMs: 5_000, action: "clear", scope: { kind: "platform" } });
    const forgetful = (host: ObjectHost, method: string, command: unknown): Promise<unknown> => {
      if (method === "applyTerms") host.disk.put("clearing", { atMs: Number.MAX_SAFE_INTEGER, afterIssueId: null });
      return honest(host, method, command);
    };
    expect(await noticed({ carryOut: forgetful, ...cleared }, /waits though it was cleared/u)).toBe(true);
  });

  test("a switch that stays when its time is over", async () => {
    const timed = withSwitch("hold", { kind: "platform" }, 20_000);
    const forgetful = afterwards(["setSwitch", "reportDemand"], ({ disk }) =>
      disk.query("DELETE FROM deadlines WHERE name LIKE 'switch:%'"),
    );
    expect(await noticed({ carryOut: forgetful, ...timed }, /is there, though its time is over/u)).toBe(true);
  });

  test("limits that hold longer than they were set for", async () => {
    const limited = inScenarios(({ organizations }) => ({
      organizations: organizations.map((organization) => ({
        ...organization,
        settings: organization.settings.map((settings) => ({ ...settings, overridesForMs: 5_000 })),
      })),
    }));
    const forgetful = afterwards(["putOrganization"], ({ disk }) =>
      disk.query("DELETE FROM deadlines WHERE name LIKE 'limits:%'"),
    );
    expect(await noticed({ carryOut: forgetful, ...limited }, /hold, though their time is over/u)).toBe(true);
  });

  test("work that starts too early, or when it is no longer wanted", async () => {
    const early = afterwards(["submit"], ({ disk }) => disk.query("UPDATE jobs SET ready_at_ms = 0"));
    expect(
      await noticed({ carryOut: early, ...withIssues({ waitsMs: 60_000 }) }, /was dispatched \d+ ms too early/u),
    ).toBe(true);
    const lasting = afterwards(["submit"], ({ disk }) =>
      disk.query("UPDATE issues SET record = json_set(record, '$.expiresAtMs', NULL)"),
    );
    const brief = withIssues({ expiresAfterMs: 2_000 });
    expect(await noticed({ carryOut: lasting, ...brief }, /starts though its issue is no longer wanted/u)).toBe(true);
  });

  test("work that waits for ever past the time until which it was wanted", async () => {
    const lasting = afterwards(["submit"], ({ disk }) =>
      disk.query("UPDATE issues SET record = json_set(record, '$.expiresAtMs', NULL)"),
    );
    const held = withSwitch("hold");
    const shaped = {
      shape: (scenario: Scenario) => held.shape(withIssues({ expiresAfterMs: 60_000 }).shape(scenario)),
    };
    expect(await noticed({ carryOut: lasting, ...shaped }, /still waits, but is wanted no longer/u)).toBe(true);
  });

  test("two issues with one key at a time", async () => {
    const keyless = afterwards(["submit", "finish"], ({ disk }) =>
      disk.query("UPDATE jobs SET concurrency_key = NULL"),
    );
    const keyed = withIssues({ concurrencyKey: "record-a" });
    expect(await noticed({ carryOut: keyless, ...keyed }, /both with the key record-a/u)).toBe(true);
  });

  test("a gap in what the platform tells, and a tenant's words in it", async () => {
    const lossy = afterwards(["reportDemand"], ({ disk }) =>
      disk.query("UPDATE platform_events SET seq = seq + 1 WHERE seq = (SELECT MAX(seq) FROM platform_events)"),
    );
    expect(await noticed({ carryOut: lossy }, /the platform's event \d+ follows \d+/u)).toBe(true);
    const held = withSwitch("refuse");
    const chatty = (host: ObjectHost, method: string, command: unknown): Promise<unknown> =>
      honest(host, method, method === "setSwitch" ? replaced(command, "reason", "Briefs are stuck") : command);
    expect(await noticed({ carryOut: chatty, ...held }, /tells of a tenant's content/u)).toBe(true);
  });
});
