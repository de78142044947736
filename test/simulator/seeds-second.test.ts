/** The second half of the gate's seeds; the halves run side by side. */
import { describe, expect, test } from "vitest";
import { describeFailure, leastSuccess, runSeeds, seedsFrom } from "./run-seeds.ts";

describe("the objects under faults", () => {
  test("keep every rule in 2,500 runs, and finish the work", async () => {
    const { failed, jobsEnded, jobsCompleted } = await runSeeds(seedsFrom(2501, 2_500));
    expect(failed.map((result) => describeFailure(result))).toEqual([]);
    expect(jobsCompleted / jobsEnded).toBeGreaterThanOrEqual(leastSuccess);
  });
});
