import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { HealthSample } from "../../src/contracts/platform-rpc.ts";
import { createLogger } from "../../src/core/log.ts";
import type { CronPorts } from "../../src/cron/ports.ts";
import { cronExpressions, runCron } from "../../src/cron/run-cron.ts";

const nowMs = Date.UTC(2026, 10, 22, 3);

function world(overrides: Partial<CronPorts> = {}) {
  const samples: HealthSample[] = [];
  const wakes: number[] = [];
  const deletions: number[] = [];
  const lines: string[] = [];
  const ports: CronPorts = {
    objects: {
      platform: () => ({
        readStatus: () => Promise.resolve({ globalSlots: 5, slotsInUse: 0, organizationsWaiting: 0, demand: 0 }),
        recordHealth: (sample) => {
          samples.push(sample);
          return Promise.resolve();
        },
        wakeOverdue: (olderThanMs) => {
          wakes.push(olderThanMs);
          return Promise.resolve(2);
        },
      }),
    },
    database: { ping: () => Promise.resolve() },
    retention: () =>
      Promise.resolve({
        deleteExpired: (now) => {
          deletions.push(now.nowMs);
          return Promise.resolve({ logs: 3, steps: 4 });
        },
      }),
    pingGitHub: null,
    overdueAfterMs: 90_000,
    clock: { nowMs: () => nowMs },
    log: createLogger({}, (_level, line) => lines.push(line)),
    ...overrides,
  };
  return { ports, samples, wakes, deletions, lines };
}

test("every Cron Trigger of wrangler.toml has its work, in both environments, and no work lacks its trigger", () => {
  const toml = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  const declared = [...toml.matchAll(/^crons = (?<list>\[.*\])$/gmu)].map((match): unknown =>
    JSON.parse(match.groups?.["list"] ?? ""),
  );
  expect(declared).toEqual([cronExpressions, cronExpressions]);
});

test("an expression without work is an error", async () => {
  await expect(runCron(world().ports, "1 2 3 4 5")).rejects.toThrow('"1 2 3 4 5"');
});

describe("the health check", () => {
  const run = (ports: CronPorts) => runCron(ports, "*/5 * * * *");

  test("keeps a sample and wakes silent organizations", async () => {
    const { ports, samples, wakes, deletions } = world();
    await run(ports);
    const ok = { ok: true, detail: "ok", durationMs: 0 };
    expect(samples).toEqual([{ atMs: nowMs, healthy: true, checks: { database: ok, platform: ok } }]);
    expect(wakes).toEqual([90_000]);
    expect(deletions).toEqual([]);
  });

  test("keeps a bad sample too, with the cause in the log only", async () => {
    const { ports, samples, wakes, lines } = world({
      database: { ping: () => Promise.reject(new Error("no route to db-host")) },
      pingGitHub: () => Promise.resolve(),
    });
    await run(ports);
    expect(samples).toMatchObject([
      { healthy: false, checks: { database: { ok: false, detail: "failed" }, github: { ok: true } } },
    ]);
    expect(JSON.stringify(samples)).not.toContain("db-host");
    expect(lines.join("\n")).toContain("db-host");
    expect(wakes).toEqual([90_000]);
  });

  test("fails when the platform object cannot be told", async () => {
    const base = world();
    const platform = { ...base.ports.objects.platform(), recordHealth: () => Promise.reject(new Error("away")) };
    await expect(run({ ...base.ports, objects: { platform: () => platform } })).rejects.toThrow("away");
  });
});

describe("the clean-up", () => {
  test("deletes what is expired now", async () => {
    const { ports, deletions, samples, lines } = world();
    await runCron(ports, "0 3 * * *");
    expect(deletions).toEqual([nowMs]);
    expect(samples).toEqual([]);
    expect(lines.join("\n")).toContain('"logs":3,"steps":4');
  });

  test("fails when Postgres cannot be reached", async () => {
    const { ports } = world({ retention: () => Promise.reject(new Error("away")) });
    await expect(runCron(ports, "0 3 * * *")).rejects.toThrow("away");
  });
});
