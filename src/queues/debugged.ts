/** What a debug switch changes for a slice: it may take longer, as far as the platform lets a slice run at all. */
import type { JobCeilings } from "../contracts/ceilings.ts";
import type { Timings } from "../contracts/timings.ts";

/** So many times longer may a debugged job and its model calls take. */
const patience = 4;

/** Timings of a debugged slice. Leases and the time at which every slice is aborted stay: others depend on them. */
export function debuggedTimings(timings: Timings): Timings {
  const { modelCallMaxMs, sliceMaxMs, sliceAbortMs } = timings;
  const longest = (ms: number): number => Math.max(ms, Math.min(ms * patience, sliceAbortMs));
  return { ...timings, modelCallMaxMs: longest(modelCallMaxMs), sliceMaxMs: longest(sliceMaxMs) };
}

/** Ceilings of a debugged job: it may run longer, and costs no more. */
export function debuggedCeilings(ceilings: JobCeilings): JobCeilings {
  return { ...ceilings, runningMs: ceilings.runningMs * patience };
}
