/** Runs seeds in threads side by side, each of which takes every so-many-th of them. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { ThreadResult } from "./thread-result.ts";

function runThread(first: number, step: number, end: number): Promise<ThreadResult> {
  const workerData = { first, step, end };
  const worker = new Worker(join(import.meta.dirname, "seed-thread.ts"), { workerData });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** Runs `count` seeds from `start` on; failures come as texts. */
export async function runSeedsInThreads(start: number, count: number, threads: number): Promise<ThreadResult> {
  const running = Array.from({ length: threads }, (_, index) => runThread(start + index, threads, start + count));
  const results = await Promise.all(running);
  return {
    jobsEnded: results.reduce((sum, { jobsEnded }) => sum + jobsEnded, 0),
    jobsCompleted: results.reduce((sum, { jobsCompleted }) => sum + jobsCompleted, 0),
    failures: results.flatMap(({ failures }) => failures),
  };
}
