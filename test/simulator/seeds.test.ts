/** The gate's seeds. `npm run simulate` runs others, and more. */
import { describe, expect, test } from "vitest";
import { regressionSeeds } from "./regression-seeds.ts";
import { describeFailure, runSeeds } from "./run-seeds.ts";
import { runSeedsInThreads } from "./seed-threads.ts";
import { leastSuccess } from "./thread-result.ts";

describe("the objects under faults", () => {
  test("never again fail where they once did", async () => {
    const { failed } = await runSeeds(regressionSeeds);
    expect(failed.map((result) => describeFailure(result))).toEqual([]);
  });

  test("keep every rule in 5,000 runs, and finish the work", async () => {
    const { failures, jobsEnded, jobsCompleted } = await runSeedsInThreads(1, 5_000, 2);
    expect(failures).toEqual([]);
    expect(jobsCompleted / jobsEnded).toBeGreaterThanOrEqual(leastSuccess);
  });
});
