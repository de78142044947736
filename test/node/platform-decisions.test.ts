import { describe, expect, test } from "vitest";
import { defaultTerms, limitsByTier } from "../../src/contracts/terms.ts";
import {
  type Contender,
  pickContender,
  serviceAfterGrant,
  serviceOnReturn,
} from "../../src/durable-objects/platform/fair-queue.ts";
import { settingsAt, termsOf } from "../../src/durable-objects/platform/terms-of.ts";
import { resendDelayMs } from "../../src/durable-objects/resend-delay.ts";

const contender = (organizationId: string, changes: Partial<Contender> = {}): Contender => ({
  organizationId,
  openDemand: 1,
  service: 0,
  headPriority: 5,
  oldestAtMs: 100,
  ...changes,
});

describe("the fair queue", () => {
  test.each([
    ["nobody when nobody wants a slot", [contender("a", { openDemand: 0 })], null],
    ["the least served", [contender("a", { service: 1, headPriority: 1 }), contender("b")], "b"],
    ["then the most urgent", [contender("a"), contender("b", { headPriority: 1 })], "b"],
    ["then who has waited longest", [contender("a"), contender("b", { oldestAtMs: 99 })], "b"],
    ["then the same one every time", [contender("b"), contender("a")], "a"],
  ])("picks %s", (_name, contenders, organizationId) => {
    expect(pickContender(contenders)).toEqual(
      organizationId === null ? { kind: "none" } : { kind: "grant", organizationId },
    );
  });

  test("shares by weight", () => {
    const weights = { free: 1, pro: 3, enterprise: 10 };
    const service = new Map(Object.keys(weights).map((name) => [name, 0]));
    const grants = new Map<string, number>();
    for (let slot = 0; slot < 140; slot += 1) {
      const pick = pickContender([...service].map(([name, served]) => contender(name, { service: served })));
      const name = pick.kind === "grant" ? pick.organizationId : "";
      const weight = Object.entries(weights).find(([other]) => other === name)?.[1] ?? 0;
      service.set(name, serviceAfterGrant(service.get(name) ?? 0, weight));
      grants.set(name, (grants.get(name) ?? 0) + 1);
    }
    for (const [name, weight] of Object.entries(weights)) {
      expect(Math.abs((grants.get(name) ?? 0) - weight * 10)).toBeLessThanOrEqual(1);
    }
  });

  test("gives no credit for time in which nothing was wanted", () => {
    expect(serviceOnReturn(2, [10, 7])).toBe(7);
    expect(serviceOnReturn(9, [7])).toBe(9);
    expect(serviceOnReturn(2, [])).toBe(2);
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
