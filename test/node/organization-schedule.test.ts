import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BlockingLimit,
  type IssuePriority,
  issuePrioritySchema,
  type JobStatus,
  numericPriority,
} from "../../src/contracts/status.ts";
import type { JobState } from "../../src/durable-objects/organization/job-state.ts";
import {
  blockingLimitOf,
  freeCapacity,
  impliedLimitOf,
  overtakingBoundMs,
  queueKey,
  type WaitingFacts,
} from "../../src/durable-objects/organization/schedule.ts";
import { jobStateOf } from "../support/job-state-fixture.ts";

const nowMs = Date.UTC(2026, 10, 22, 18, 30);
const minuteMs = 60_000;

describe("the order of an organization's jobs", () => {
  const key = (priority: number, createdAtMs: number) => queueKey({ priority, createdAtMs });

  test("is by priority, then age, and lets nothing wait for ever", () => {
    expect(key(1, 1_000)).toBeLessThan(key(2, 0));
    expect(key(5, 0)).toBeLessThan(key(5, 1));
    expect(key(10, 0)).toBeLessThan(key(1, 91 * minuteMs));
  });

  test("has a bound: LOW is overtaken only by what comes within 90 minutes after it", () => {
    expect(overtakingBoundMs(numericPriority.LOW)).toBe(90 * minuteMs);
    expect(overtakingBoundMs(numericPriority.CRITICAL)).toBe(0);
  });

  const arrivals = fc.array(
    fc.record({
      priority: fc.constantFrom(...issuePrioritySchema.options),
      createdAtMs: fc.integer({ min: 0, max: 240 * minuteMs }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  test("starts a job before everything that came later than its bound, however the slots come free", () => {
    fc.assert(
      fc.property(arrivals, fc.array(fc.integer({ min: 0, max: 20 * minuteMs }), { maxLength: 60 }), (jobs, gaps) => {
        const started = startOrder(jobs, gaps);
        for (const [index, first] of started.entries()) {
          for (const later of started.slice(index + 1)) {
            const boundMs = overtakingBoundMs(numericPriority[later.priority]);
            expect(first.createdAtMs).toBeLessThanOrEqual(later.createdAtMs + boundMs);
          }
        }
      }),
    );
  });

  interface Arrival {
    readonly priority: IssuePriority;
    readonly createdAtMs: number;
  }

  /** Starts whichever job of those that have come is first, each time a slot comes free. */
  function startOrder(jobs: readonly Arrival[], gapsMs: readonly number[]): readonly Arrival[] {
    const waiting = [...jobs];
    const started: Arrival[] = [];
    const gaps = [...gapsMs];
    for (let atMs = 0; waiting.length > 0; atMs += gaps.shift() ?? minuteMs) {
      const [next] = waiting
        .filter(({ createdAtMs }) => createdAtMs <= atMs)
        .sort((left, right) => keyOf(left) - keyOf(right));
      if (next !== undefined) started.push(...waiting.splice(waiting.indexOf(next), 1));
    }
    return started;
  }

  const keyOf = ({ priority, createdAtMs }: Arrival) => key(numericPriority[priority], createdAtMs);
});

describe("schedule", () => {
  test.each([
    [0, 2, 2],
    [1, 2, 1],
    [2, 2, 0],
    [3, 2, 0],
  ])("%i held under a limit of %i leave room for %i", (held, limit, room) => {
    expect(freeCapacity(held, limit)).toBe(room);
  });

  const job = (status: JobStatus, state: Partial<Omit<JobState, "record">> = {}) => jobStateOf({ status }, state);
  const facts: WaitingFacts = {
    nowMs,
    notBeforeMs: null,
    holdOf: () => null,
    isBehindKey: () => false,
    isWithinCapacity: () => true,
  };
  const slot = { slotId: "slt", slotNumber: 0 };
  const later = { readyAtMs: nowMs + 1 };
  const reasons: readonly [string, readonly JobState[], Partial<WaitingFacts>, BlockingLimit][] = [
    ["a running job", [job("PENDING"), job("RUNNING")], {}, null],
    ["nothing to run", [job("COMPLETED")], {}, null],
    ["a paused job", [job("PAUSED")], {}, null],
    ["a dispatched job", [job("PENDING", { slot, dispatch: { dispatchId: "dsp", claimed: false } })], {}, null],
    ["a full organization", [job("PENDING")], { isWithinCapacity: () => false }, "organization_concurrency"],
    ["a full platform", [job("COMPLETED"), job("PENDING")], {}, "global_concurrency"],
    ["a back-off", [job("PENDING", { ...later, everDispatched: true })], {}, "retry_delay"],
    ["a back-off that keeps its slot", [job("PENDING", { ...later, slot, everDispatched: true })], {}, "retry_delay"],
    ["an issue that is put off", [job("PENDING", later)], { notBeforeMs: nowMs + 1 }, "not_before"],
    ["another issue with its key", [job("PENDING")], { isBehindKey: () => true }, "concurrency_key"],
    ["a switch", [job("PENDING")], { holdOf: () => "switch", isBehindKey: () => true }, "switch"],
    ["a budget that is used up", [job("PENDING")], { holdOf: () => "budget" }, "budget"],
  ];
  test.each(reasons)("says why %s waits", (_name, jobs, changes, limit) => {
    expect(blockingLimitOf(jobs, { ...facts, ...changes })).toBe(limit);
  });

  test.each([
    ["a new job, which waits for a slot", [job("PENDING")], "global_concurrency"],
    ["a job that was dispatched before", [job("PENDING", { everDispatched: true })], null],
    ["a running issue", [job("RUNNING"), job("PENDING")], null],
    ["an issue that has ended", [job("COMPLETED")], null],
  ])("need not be told of %s", (_name, jobs, implied) => {
    expect(impliedLimitOf(jobs)).toBe(implied);
  });
});
