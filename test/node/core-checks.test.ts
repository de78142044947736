import { describe, expect, test } from "vitest";
import { runChecks } from "../../src/core/checks.ts";

describe("health checks", () => {
  function run(checks: Readonly<Record<string, () => Promise<void>>>) {
    let nowMs = 0;
    const failures: string[] = [];
    const options = {
      clock: { nowMs: () => (nowMs += 1) },
      maxMs: 5,
      onFailure: (name: string, error: unknown) => failures.push(`${name}: ${String(error)}`),
    };
    return { failures, done: runChecks(checks, options) };
  }

  test("that pass are healthy together", async () => {
    const { failures, done } = run({ one: () => Promise.resolve(), two: () => Promise.resolve() });
    const { healthy, results } = await done;
    expect(healthy).toBe(true);
    expect(results).toMatchObject({ one: { ok: true, detail: "ok" }, two: { ok: true, detail: "ok" } });
    expect(failures).toEqual([]);
  });

  test("that fail or never end are told apart, and each is reported once", async () => {
    const { failures, done } = run({
      good: () => Promise.resolve(),
      broken: () => Promise.reject(new Error("refused")),
      silent: () => new Promise(() => undefined),
      throwing: () => {
        throw new Error("at once");
      },
    });
    const { healthy, results } = await done;
    expect(healthy).toBe(false);
    expect(results).toMatchObject({
      good: { ok: true },
      broken: { ok: false, detail: "failed" },
      silent: { ok: false, detail: "timed out" },
      throwing: { ok: false, detail: "failed" },
    });
    expect(failures.sort().map((line) => line.split(":")[0])).toEqual(["broken", "silent", "throwing"]);
  });
});
