/** The first half of the gate's seeds; the halves run side by side. */
import { describe, expect, test } from "vitest";
import { describeFailure, leastSuccess, runSeeds, seedsFrom } from "./run-seeds.ts";
import { regressionSeeds } from "./regression-seeds.ts";

describe("the objects under faults", () => {
  test("never again fail where they once did", async () => {
    const { failed } = await runSeeds(regressionSeeds);
    expect(failed.map((result) => describeFailure(result))).toEqual([]);
  });
  test("keep every rule in 2,500 runs, and finish the work", async () => {
    const { failed, jobsEnded, jobsCompleted } = await runSeeds(seedsFrom(1, 2_500));
    expect(failed.map((result) => describeFailure(result))).toEqual([]);
    expect(jobsCompleted / jobsEnded).toBeGreaterThanOrEqual(leastSuccess);
  });
});
