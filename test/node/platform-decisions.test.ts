import { describe, expect, test } from "vitest";
import { defaultTerms, limitsByTier } from "../../src/contracts/terms.ts";
import {
  afterReport,
  afterWait,
  type BreakerState,
  closedBreaker,
} from "../../src/durable-objects/platform/breaker-decision.ts";
import { serviceAfterGrant, serviceOnReturn } from "../../src/durable-objects/platform/fair-queue.ts";
import { settingsAt, termsOf } from "../../src/durable-objects/platform/terms-of.ts";
import { resendDelayMs } from "../../src/durable-objects/resend-delay.ts";

describe("a breaker", () => {
  const fault = { faults: 1, answers: 0, retryAfterMs: null };
  const answer = { faults: 0, answers: 1, retryAfterMs: null };
  const minuteMs = 60_000;
  const timings = { firstOpenMs: 30_000, longestOpenMs: 10 * minuteMs };
  const openedAt = (nowMs: number, retryAfterMs: number | null = null) =>
    Array.from({ length: 5 }).reduce<BreakerState>(
      (state) => afterReport(state, { ...fault, retryAfterMs }, timings, nowMs),
      closedBreaker,
    );

  test("opens after five faults within a minute, and not for fewer", () => {
    const reports = Array.from({ length: 5 }, (_, index) => index);
    const statuses = reports.map((count) =>
      reports
        .slice(0, count + 1)
        .reduce<BreakerState>((state) => afterReport(state, fault, timings, count), closedBreaker),
    );
    expect(statuses.map(({ status }) => status)).toEqual(["closed", "closed", "closed", "closed", "open"]);
    const spread = reports.reduce<BreakerState>(
      (state, count) => afterReport(state, fault, timings, count * 15_001),
      closedBreaker,
    );
    expect(spread.status).toBe("closed");
  });

  test("stays closed while some calls are answered", () => {
    const mostly = Array.from({ length: 50 }).reduce<BreakerState>(
      (state) => afterReport(state, { faults: 3, answers: 1, retryAfterMs: null }, timings, 0),
      closedBreaker,
    );
    expect(mostly.status).toBe("closed");
  });

  test("is tried after its time, closed by an answer, and opened for longer by a fault, up to ten minutes", () => {
    const open = openedAt(0);
    expect(open).toMatchObject({ status: "open", probeAtMs: 30_000 });
    expect(afterReport(open, answer, timings, 1)).toBe(open);
    expect(afterReport(open, fault, timings, 1)).toBe(open);
    expect(afterWait(open, 29_999)).toBe(open);
    const tried = afterWait(open, 30_000);
    expect(tried.status).toBe("half_open");
    expect(afterReport(tried, answer, timings, 30_001)).toEqual(closedBreaker);
    expect(afterReport(tried, fault, timings, 40_000)).toMatchObject({
      status: "open",
      sinceMs: 0,
      probeAtMs: 100_000,
    });
    // One that was answered beside a fault is no proof that the model is back.
    const both = { faults: 1, answers: 5, retryAfterMs: null };
    expect(afterReport(tried, both, timings, 40_000)).toMatchObject({ status: "open", probeAtMs: 100_000 });
    let state: BreakerState = open;
    for (let tries = 0; tries < 20; tries += 1) state = afterReport(afterWait(state, Infinity), fault, timings, 0);
    expect(state).toMatchObject({ probeAtMs: 10 * minuteMs });
  });

  test("remembers so many reports and no more, the latest", () => {
    const reports = Array.from({ length: 1_000 }, (_, index) => index);
    const state = reports.reduce<BreakerState>(
      (before, count) => afterReport(before, answer, timings, count),
      closedBreaker,
    );
    if (state.status !== "closed") throw new Error("answers opened it");
    expect(state.sightings).toHaveLength(200);
    expect(state.sightings.at(-1)).toEqual({ atMs: 999, faults: 0, answers: 1 });
  });

  test("leaves the provider alone for as long as it asks, within reason", () => {
    expect(openedAt(0, 90_000)).toMatchObject({ probeAtMs: 90_000 });
    expect(openedAt(0, 24 * 60 * minuteMs)).toMatchObject({ probeAtMs: 10 * minuteMs });
  });
});

describe("the fair queue", () => {
  test("charges a grant by weight", () => {
    expect(serviceAfterGrant(2, 10)).toBe(2.1);
  });

  test("gives no credit for time in which nothing was wanted", () => {
    expect(serviceOnReturn(2, 7)).toBe(7);
    expect(serviceOnReturn(9, 7)).toBe(9);
    expect(serviceOnReturn(2, null)).toBe(2);
  });
});

describe("terms", () => {
  const settings = {
    organizationId: "org",
    tier: null,
    slug: null,
    repository: null,
    limitOverrides: { limits: {}, expiresAtMs: null },
  };

  test("follow the tier, and the settings where they say more", () => {
    expect(termsOf(settings, 1)).toEqual({ ...defaultTerms("org"), version: 1 });
    expect(
      termsOf({ ...settings, tier: "enterprise", limitOverrides: { limits: { weight: 12 }, expiresAtMs: null } }, 2)
        .limits,
    ).toEqual({
      ...limitsByTier.enterprise,
      weight: 12,
    });
  });

  test("are the tier's again once what replaced them is over", () => {
    const limited = { ...settings, limitOverrides: { limits: { weight: 12 }, expiresAtMs: 1_000 } };
    expect(settingsAt(limited, 999)).toEqual(limited);
    expect(settingsAt(limited, 1_000)).toEqual(settings);
    expect(settingsAt(settings, 1_000)).toEqual(settings);
  });

  test.each([
    ["a negative limit", { limitOverrides: { limits: { issuesPerHour: -1 }, expiresAtMs: null } }, "issuesPerHour"],
    ["a limit of zero", { limitOverrides: { limits: { issuesPerDay: 0 }, expiresAtMs: null } }, "issuesPerDay"],
    ["no model at all", { limitOverrides: { limits: { models: [] }, expiresAtMs: null } }, "models"],
    ["a repository with a strange name", { repository: { owner: "a/b", name: "c" } }, "owner"],
  ])("refuse %s", (_name, changes, field) => {
    expect(() => termsOf({ ...settings, ...changes }, 1)).toThrow(field);
  });
});

describe("sending again", () => {
  test("waits twice as long each time, up to the limit", () => {
    const limits = { firstMs: 30_000, maxMs: 600_000 };
    expect([0, 1, 2, 4, 5, 1_000].map((tries) => resendDelayMs(tries, limits))).toEqual([
      30_000, 60_000, 120_000, 480_000, 600_000, 600_000,
    ]);
  });
});
