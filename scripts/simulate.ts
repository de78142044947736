/** Runs the objects through as many seeds as are asked for: `npm run simulate -- --seeds 20000 --start 1`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import pc from "picocolors";
import { leastSuccess } from "../test/simulator/thread-result.ts";
import { runSeedsInThreads } from "../test/simulator/seed-threads.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "5000" }, start: { type: "string", default: "1" } },
});
const seeds = positive("seeds", values.seeds);
const start = positive("start", values.start);

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} is a positive whole number, not ${text}`);
}

const threads = Math.min(availableParallelism(), seeds);
const { jobsEnded, jobsCompleted, failures } = await runSeedsInThreads(start, seeds, threads);
const shownFailures = 20;
for (const failure of failures.slice(0, shownFailures)) console.log(pc.red(failure));
const share = jobsEnded === 0 ? 0 : jobsCompleted / jobsEnded;
console.log(
  `${seeds} seeds, ${failures.length} failed; ${jobsCompleted} of ${jobsEnded} jobs succeeded (${(100 * share).toFixed(1)} %)`,
);
if (failures.length > 0) console.log("Add a seed that found a fault to test/simulator/regression-seeds.ts.");
// A single seed may be one whose work fails; of many, most succeeds.
const isTooPoor = seeds >= 100 && share < leastSuccess;
process.exitCode = failures.length > 0 || isTooPoor ? 1 : 0;
