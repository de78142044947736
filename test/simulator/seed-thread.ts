/** One thread of `npm run simulate`. */
import { parentPort, workerData } from "node:worker_threads";
import { allowObjectClasses } from "./outside-workerd.ts";
import { propertyOf } from "./properties.ts";
import type { ThreadResult } from "./thread-result.ts";

allowObjectClasses();

const { describeFailure, runSeeds } = await import("./run-seeds.ts");
const [first, step, end] = ["first", "step", "end"].map((name) => Number(propertyOf(workerData, name)));

function* ownSeeds(): Generator<number> {
  for (let seed = first ?? 0; seed < (end ?? 0); seed += step ?? 1) yield seed;
}

const { failed, jobsEnded, jobsCompleted } = await runSeeds(ownSeeds());
const result: ThreadResult = { jobsEnded, jobsCompleted, failures: failed.map((each) => describeFailure(each)) };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- the port of a thread has no origin
parentPort?.postMessage(result);
