/** The budget's decisions, and the calendar that they go by. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeTerms, defaultTerms, limitsByTier, type Terms } from "../../src/contracts/terms.ts";
import { mostCallCostMicroUsd } from "../../src/core/money.ts";
import { periodAt } from "../../src/core/utc-periods.ts";
import {
  budgetRefusal,
  decideReservation,
  exhaustedUntilMs,
  isAlarming,
  isExhausted,
  thriftyModel,
  type PeriodUse,
} from "../../src/durable-objects/organization/budget.ts";

const nowMs = Date.parse("2026-11-22T14:00:00Z");
const dayEndMs = Date.parse("2026-11-23T00:00:00Z");
const monthEndMs = Date.parse("2026-12-01T00:00:00Z");

function useOf(kind: "day" | "month", change: Partial<PeriodUse> = {}): PeriodUse {
  return {
    period: periodAt(kind, nowMs),
    limitMicroUsd: 100,
    committedMicroUsd: 0,
    reservedMicroUsd: 0,
    smallestRefusedMicroUsd: null,
    ...change,
  };
}

describe("a UTC period", () => {
  test.each([
    ["day", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["day", "2026-12-31T23:59:59.999Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["month", "2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ] as const)("(%s) holds %s", (kind, at, start, end) => {
    expect(periodAt(kind, Date.parse(at))).toEqual({ kind, startMs: Date.parse(start), endMs: Date.parse(end) });
  });
});

describe("a reservation", () => {
  const job = { ceilingMicroUsd: 50, committedMicroUsd: 10 };
  test.each([
    ["fits exactly into the job", 40, {}, {}, { kind: "reserve" }],
    ["is too much for the job", 41, {}, {}, { kind: "refuse", by: "job" }],
    ["fits exactly into the day", 40, { committedMicroUsd: 35, reservedMicroUsd: 25 }, {}, { kind: "reserve" }],
    ["is too much for the day", 40, { reservedMicroUsd: 61 }, {}, { kind: "refuse", by: "organization_day" }],
    ["is too much for the month", 40, {}, { committedMicroUsd: 61 }, { kind: "refuse", by: "organization_month" }],
  ])("%s", (_name, amount, day, month, decision) => {
    expect(decideReservation(amount, job, { day: useOf("day", day), month: useOf("month", month) })).toEqual(decision);
  });

  test("costs the dearest price step that the prompt may fall into, and rises with every token", () => {
    const cheap = { inputMicroUsdPerMillion: 1_000_000, cacheWriteMicroUsdPerMillion: 2_000_000 };
    const price = {
      ...cheap,
      cacheReadMicroUsdPerMillion: 100_000,
      outputMicroUsdPerMillion: 5_000_000,
      longPrompt: {
        thresholdTokens: 100,
        prices: {
          ...cheap,
          cacheWriteMicroUsdPerMillion: 4_000_000,
          cacheReadMicroUsdPerMillion: 0,
          outputMicroUsdPerMillion: 0,
        },
      },
    };
    expect(mostCallCostMicroUsd({ promptTokens: 100, outputTokens: 100 }, price)).toBe(700);
    expect(mostCallCostMicroUsd({ promptTokens: 101, outputTokens: 100 }, price)).toBe(702);
    expect(mostCallCostMicroUsd({ promptTokens: 400, outputTokens: 0 }, price)).toBe(1_600);
    fc.assert(
      fc.property(fc.nat({ max: 300 }), fc.nat({ max: 300 }), fc.nat({ max: 300 }), (prompt, more, output) => {
        const most = mostCallCostMicroUsd({ promptTokens: prompt + more, outputTokens: output }, price);
        expect(most).toBeGreaterThanOrEqual(
          mostCallCostMicroUsd({ promptTokens: prompt, outputTokens: output }, price),
        );
      }),
    );
  });
});

describe("a budget", () => {
  test.each([
    ["is open while a refused call would fit by now", { committedMicroUsd: 60, smallestRefusedMicroUsd: 40 }, false],
    [
      "is exhausted while the smallest refused call does not fit",
      { committedMicroUsd: 61, smallestRefusedMicroUsd: 40 },
      true,
    ],
    ["is exhausted when all of it is committed", { committedMicroUsd: 100 }, true],
    ["is exhausted while all of it is set aside", { reservedMicroUsd: 100 }, true],
    ["that was lowered below what is spent is exhausted", { limitMicroUsd: 10, committedMicroUsd: 11 }, true],
    ["is open with a single micro-dollar left", { committedMicroUsd: 99 }, false],
  ])("%s", (_name, change, exhausted) => {
    expect(isExhausted(useOf("day", change))).toBe(exhausted);
  });

  test("opens again with the later of the exhausted periods, and says so to the caller", () => {
    const open = { day: useOf("day"), month: useOf("month") };
    const noDay = { ...open, day: useOf("day", { committedMicroUsd: 100 }) };
    const noMonth = { ...noDay, month: useOf("month", { committedMicroUsd: 100 }) };
    expect([open, noDay, noMonth].map(exhaustedUntilMs)).toEqual([null, dayEndMs, monthEndMs]);
    expect(budgetRefusal(open, nowMs)).toBeNull();
    expect(budgetRefusal(noDay, nowMs)).toMatchObject({ code: "budget_exhausted", retryAfterSeconds: 10 * 3_600 });
    expect(budgetRefusal(noDay, nowMs)?.detail).toContain("day");
    expect(budgetRefusal(noMonth, nowMs)).toMatchObject({ retryAfterSeconds: (monthEndMs - nowMs) / 1_000 });
    expect(budgetRefusal(noMonth, nowMs)?.detail).toContain("month");
  });

  test("alarms from four fifths on", () => {
    expect(isAlarming(useOf("day", { committedMicroUsd: 79, reservedMicroUsd: 21 }))).toBe(false);
    expect(isAlarming(useOf("day", { committedMicroUsd: 80 }))).toBe(true);
  });

  test.each([
    ["opus", ["haiku", "sonnet", "opus"], "sonnet"],
    ["sonnet", ["haiku", "sonnet"], "haiku"],
    ["haiku", ["haiku"], "haiku"],
    ["opus", ["haiku", "opus"], "opus"],
  ] as const)("that is short turns %s with %j into %s", (model, allowed, expected) => {
    const pick = thriftyModel({ model, modelReason: "complexity 9" }, allowed);
    expect(pick.model).toBe(expected);
    expect(pick.modelReason.includes("most of the budget is spent")).toBe(model !== expected);
  });
});

test("terms of an earlier release get the budgets of their tier", () => {
  const { dailyBudgetMicroUsd: _day, monthlyBudgetMicroUsd: _month, ...limits } = limitsByTier.pro;
  const stored: unknown = { ...defaultTerms("org"), tier: "pro", limits: { ...limits, concurrentJobs: 7 } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what an earlier release stored has fewer fields
  const complete = completeTerms(stored as Terms);
  expect(complete.limits).toEqual({ ...limitsByTier.pro, concurrentJobs: 7 });
});
