import { describe, expect, it } from "vitest";
import { countRefusal, planPage } from "../../src/db/refusals.ts";

const refused = { incarnation: "inc", seq: 7, reason: "no such issue" };

describe("planPage", () => {
  it.each([
    ["everything without a refusal", null, 3, { throughSeq: null, park: null }],
    ["first what came before", { ...refused, times: 1 }, 3, { throughSeq: 6, park: null }],
    ["then the event alone", { ...refused, times: 1 }, 6, { throughSeq: 7, park: null }],
    ["alone once more", { ...refused, times: 2 }, 6, { throughSeq: 7, park: null }],
    ["the event parked", { ...refused, times: 3 }, 6, { throughSeq: 7, park: { ...refused, times: 3 } }],
    ["everything once it is past", { ...refused, times: 3 }, 7, { throughSeq: null, park: null }],
  ] as const)("takes %s", (_, refusal, seq, expected) => {
    expect(planPage(refusal, { incarnation: "inc", seq })).toEqual(expected);
  });

  it("forgets a refusal of another incarnation", () => {
    expect(planPage({ ...refused, times: 3 }, { incarnation: "new", seq: 6 })).toEqual({
      throughSeq: null,
      park: null,
    });
  });
});

describe("countRefusal", () => {
  it("counts the same event up and begins with another", () => {
    const first = countRefusal(null, refused);
    const second = countRefusal(first, { ...refused, reason: "again" });
    expect([first.times, second.times, second.reason]).toEqual([1, 2, "again"]);
    expect(countRefusal(second, { ...refused, seq: 8 }).times).toBe(1);
    expect(countRefusal(second, { ...refused, incarnation: "new" }).times).toBe(1);
  });
});
