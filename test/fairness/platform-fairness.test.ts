/** How the real slots and the real fair queue share a platform among many organizations. */
import { describe, expect, test } from "vitest";
import { PlatformFixture } from "./platform-fixture.ts";

/** Ends jobs in the order they started until nothing is left, or so many have started. */
async function drain(platform: PlatformFixture, until = Number.POSITIVE_INFINITY): Promise<void> {
  await platform.settle();
  for (let ended = 0; platform.offers.length < until; ended += 1) {
    const offer = platform.offers[ended];
    if (offer === undefined) return;
    await platform.finish(offer);
  }
}

describe("fair sharing", () => {
  test("lets nobody wait behind one organization's flood", async () => {
    const platform = new PlatformFixture(5);
    const organizations = 1_000;
    platform.add("flood", 5_000);
    await platform.settle();
    for (let number = 1; number < organizations; number += 1) platform.add(`org-${number}`, 5);
    await drain(platform, organizations * 3);
    const firstStart = new Map<string, number>();
    for (const [index, { organizationId }] of platform.offers.entries()) {
      if (!firstStart.has(organizationId)) firstStart.set(organizationId, index);
    }
    expect(firstStart.size).toBe(organizations);
    const sum = [...firstStart.values()].reduce((total, index) => total + index, 0);
    expect(sum / organizations ** 2).toBeLessThanOrEqual(0.6);
  });

  test("gives the weights 1, 3 and 10 their shares, within 5 %", async () => {
    const platform = new PlatformFixture(7);
    const weights = { free: 1, pro: 3, enterprise: 10 };
    for (const [name, weight] of Object.entries(weights)) platform.add(name, 10_000, { weight, limit: 20 });
    const starts = 2_800;
    await drain(platform, starts);
    for (const [name, weight] of Object.entries(weights)) {
      const got = platform.offers.slice(0, starts).filter(({ organizationId }) => organizationId === name).length;
      const owed = (starts * weight) / 14;
      expect(Math.abs(got - owed) / owed).toBeLessThanOrEqual(0.05);
    }
  });

  test("gives no credit for time in which nothing was wanted", async () => {
    const platform = new PlatformFixture(1);
    platform.add("busy", 50);
    await drain(platform, 20);
    platform.add("new", 50);
    await drain(platform, 40);
    const last = platform.offers.slice(-10).map(({ organizationId }) => organizationId);
    expect(last.filter((organizationId) => organizationId === "new").length).toBe(5);
  });

  test("has those whose work never ends take turns in a slot, and asks nobody to give back what nobody waits for", async () => {
    const platform = new PlatformFixture(1);
    const one = platform.add("one", 1);
    await platform.settle();
    expect(platform.report(one).othersAreOwed).toBe(false);
    const two = platform.add("two", 1);
    await platform.settle();
    for (const [holder, other] of [
      [one, two],
      [two, one],
      [one, two],
      [two, one],
    ] as const) {
      expect(holder.slotIds).toHaveLength(1);
      expect(platform.report(other).othersAreOwed).toBe(false);
      expect(platform.report(holder).othersAreOwed).toBe(true);
      const given = holder.slotIds.splice(0);
      holder.waiting += 1;
      platform.report(holder, given);
      await platform.settle();
    }
    expect(one.slotIds).toHaveLength(1);
  });

  test("asks for a slot back by weight: of a free organization for a pro one that had as many, and not the other way", async () => {
    const heldBy = async (holderWeight: number, otherWeight: number): Promise<boolean> => {
      const platform = new PlatformFixture(2);
      const holder = platform.add("holder", 1, { weight: holderWeight });
      await platform.settle();
      platform.report(holder);
      const other = platform.add("other", 2, { weight: otherWeight });
      await platform.settle();
      expect([holder.slotIds.length, other.slotIds.length]).toEqual([1, 1]);
      platform.report(other);
      return platform.report(holder).othersAreOwed;
    };
    expect(await heldBy(1, 3)).toBe(true);
    expect(await heldBy(3, 1)).toBe(false);
  });

  test("takes the urgent first, then the oldest, then always the same one, of those served alike", () => {
    const platform = new PlatformFixture(0);
    const report = (organizationId: string, headPriority: number, oldestAtMs: number) =>
      platform.run((transaction) =>
        platform.desk.takeReport(transaction, {
          organizationId,
          version: 1,
          demand: 1,
          headPriority,
          oldestAtMs,
          weight: 1,
          hasOpenWork: true,
          termsVersion: 0,
          heldSlotIds: [],
          releasedSlotIds: [],
        }),
      );
    report("b", 5, 100);
    expect(platform.demands.next()?.organizationId).toBe("b");
    report("a", 5, 100);
    expect(platform.demands.next()?.organizationId).toBe("a");
    report("older", 5, 99);
    expect(platform.demands.next()?.organizationId).toBe("older");
    report("urgent", 1, 500);
    expect(platform.demands.next()?.organizationId).toBe("urgent");
    platform.demands.setService("urgent", 1);
    expect(platform.demands.next()?.organizationId).toBe("older");
    platform.demands.setStale("older", true);
    expect(platform.demands.next()?.organizationId).toBe("a");
  });

  test("finds the next with one look into an index, however many wait", () => {
    const platform = new PlatformFixture(0);
    const plan = platform.sql
      .exec<{ detail: string }>(
        `EXPLAIN QUERY PLAN SELECT * FROM demands WHERE open_demand > 0
         ORDER BY service, head_priority, oldest_at_ms, organization_id LIMIT 1`,
      )
      .toArray()
      .map(({ detail }) => detail);
    expect(plan).toEqual([expect.stringContaining("USING INDEX demands_contending")]);
  });
});

describe("slots", () => {
  test("start the next job as soon as one is given back", async () => {
    const platform = new PlatformFixture(2);
    platform.add("a", 3);
    await platform.settle();
    expect(platform.offers).toHaveLength(2);
    const [first] = platform.offers;
    if (first === undefined) throw new Error("nothing was offered");
    await platform.finish(first);
    expect(platform.offers).toHaveLength(3);
    expect(platform.slots.count()).toBe(2);
  });

  test("beyond a lowered limit are left to end, and only then is another one offered", async () => {
    const platform = new PlatformFixture(5);
    platform.add("a", 10);
    await platform.settle();
    platform.slotLimit = 2;
    for (const offer of platform.offers.slice(0, 3)) await platform.finish(offer);
    expect(platform.offers).toHaveLength(5);
    expect(platform.slots.count()).toBe(2);
    for (const offer of platform.offers.slice(3, 4)) await platform.finish(offer);
    expect(platform.offers).toHaveLength(6);
    expect(platform.slots.count()).toBe(2);
  });

  test("are not given away while their holder, asked, still uses them", async () => {
    const platform = new PlatformFixture(1);
    platform.add("a", 1);
    await platform.settle();
    platform.add("b", 1);
    const [held] = platform.offers;
    if (held === undefined) throw new Error("nothing was offered");
    const expire = async () => {
      platform.nowMs += 60_000;
      const deadline = { name: `slot:${held.slotId}`, dueAtMs: platform.nowMs, tries: 0 };
      platform.run((transaction) => platform.desk.expireLease(transaction, held.slotId, deadline));
      await platform.settle();
    };
    await expire();
    expect(platform.asked).toEqual([held.slotId]);
    expect(platform.offers).toHaveLength(1);
    platform.stillUsed = () => false;
    await expire();
    expect(platform.offers.map(({ organizationId }) => organizationId)).toEqual(["a", "b"]);
  });
});
