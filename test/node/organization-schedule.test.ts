import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IssuePriority, issuePrioritySchema, numericPriority } from "../../src/contracts/status.ts";
import {
  blockingLimitOf,
  freeCapacity,
  overtakingBoundMs,
  queueKey,
} from "../../src/durable-objects/organization/schedule.ts";

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

  const job = (status: "PENDING" | "RUNNING" | "COMPLETED", readyAtMs = 0, slotId: string | null = null) => ({
    record: { status },
    readyAtMs,
    slot: slotId === null ? null : { slotId, slotNumber: 0 },
  });
  test.each([
    ["a running job", [job("PENDING"), job("RUNNING")], 2, null],
    ["nothing to run", [job("COMPLETED")], 0, null],
    ["a dispatched job", [job("PENDING", 0, "slt")], 1, null],
    ["a full organization", [job("PENDING")], 2, "organization_concurrency"],
    ["a full platform", [job("PENDING")], 1, "global_concurrency"],
    ["a back-off", [job("PENDING", nowMs + 1)], 0, "retry_delay"],
  ])("says why %s waits", (_name, jobs, heldSlots, limit) => {
    expect(blockingLimitOf(jobs, { heldSlots, concurrencyLimit: 2, isBudgetExhausted: false, nowMs })).toBe(limit);
  });

  test("says that a job waits for money before anything else", () => {
    const organization = { heldSlots: 2, concurrencyLimit: 2, isBudgetExhausted: true, nowMs };
    expect(blockingLimitOf([job("PENDING")], organization)).toBe("budget");
    expect(blockingLimitOf([job("RUNNING")], organization)).toBeNull();
  });
});
