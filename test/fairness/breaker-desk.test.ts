/** What follows from a change of a model's breaker, over the real table. */
import { expect, test } from "vitest";
import type { SwitchScope } from "../../src/contracts/switches.ts";
import { BreakerDesk } from "../../src/durable-objects/platform/breaker-desk.ts";
import { BreakerTable } from "../../src/durable-objects/platform/breaker-table.ts";
import { PlatformFixture } from "./platform-fixture.ts";

test("a breaker that opens holds work back until its organizations know of it; one that may be tried, or closes, does not", () => {
  const platform = new PlatformFixture(1);
  const told: unknown[] = [];
  const pushed: [SwitchScope, { readonly tightens: boolean }][] = [];
  const noted: SwitchScope[] = [];
  const desk = new BreakerDesk({
    breakers: new BreakerTable(platform.sql),
    switchboard: { noteChange: (scope) => noted.push(scope) },
    log: { append: (_transaction, { data }) => told.push(data) },
    termsPush: { pushChange: (_transaction, scope, how) => pushed.push([scope, how]) },
    timings: { firstOpenMs: 30_000, longestOpenMs: 600_000 },
  });
  const report = (faults: number, answers: number): void =>
    platform.run((transaction) =>
      desk.takeReport(transaction, { organizationId: "org-1", model: "opus", faults, answers, retryAfterMs: null }),
    );
  report(4, 0);
  expect(pushed).toEqual([]);
  const probeAtMs = platform.nowMs + 30_000;
  report(1, 0);
  platform.nowMs = probeAtMs;
  platform.run((transaction) => desk.probe(transaction, "opus"));
  report(0, 1);
  const everyone = { kind: "platform" };
  expect(pushed).toEqual([
    [everyone, { tightens: true }],
    [everyone, { tightens: false }],
    [everyone, { tightens: false }],
  ]);
  expect(noted).toEqual([everyone, everyone, everyone]);
  expect(told).toEqual([
    { model: "opus", status: "open", probeAtMs },
    { model: "opus", status: "half_open", probeAtMs },
    { model: "opus", status: "closed", probeAtMs: null },
  ]);
});
