/** Runs the objects through as many seeds as are asked for: `npm run simulate -- --seeds 20000 --start 1`. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import pc from "picocolors";
import type { ThreadResult } from "../test/simulator/thread-result.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "5000" }, start: { type: "string", default: "1" } },
});
const seeds = positive("seeds", values.seeds);
const start = positive("start", values.start);
const leastSuccess = 0.9;

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} is a positive whole number, not ${text}`);
}

/** Every `step`-th seed from `first` on, in a thread of its own. */
function runThread(first: number, step: number): Promise<ThreadResult> {
  const workerData = { first, step, end: start + seeds };
  const worker = new Worker(join(import.meta.dirname, "../test/simulator/seed-thread.ts"), { workerData });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

const threads = Math.min(availableParallelism(), seeds);
const results = await Promise.all(Array.from({ length: threads }, (_, index) => runThread(start + index, threads)));
const ended = results.reduce((sum, { jobsEnded }) => sum + jobsEnded, 0);
const completed = results.reduce((sum, { jobsCompleted }) => sum + jobsCompleted, 0);
const failures = results.flatMap((result) => result.failures);
const shownFailures = 20;
for (const failure of failures.slice(0, shownFailures)) console.log(pc.red(failure));
const share = ended === 0 ? 0 : completed / ended;
console.log(
  `${seeds} seeds, ${failures.length} failed; ${completed} of ${ended} jobs succeeded (${(100 * share).toFixed(1)} %)`,
);
if (failures.length > 0) console.log("Add a seed that found a fault to test/simulator/regression-seeds.ts.");
// A single seed may be one whose work fails; of many, most succeeds.
const isTooPoor = seeds >= 100 && share < leastSuccess;
process.exitCode = failures.length > 0 || isTooPoor ? 1 : 0;
