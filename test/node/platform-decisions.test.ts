import { describe, expect, test } from "vitest";
import { defaultTerms, limitsByTier } from "../../src/contracts/terms.ts";
import { serviceAfterGrant, serviceOnReturn } from "../../src/durable-objects/platform/fair-queue.ts";
import { settingsAt, termsOf } from "../../src/durable-objects/platform/terms-of.ts";
import { resendDelayMs } from "../../src/durable-objects/resend-delay.ts";

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
