/** Runs many seeds, one after the other. */
import { runSeed, type SeedResult } from "./run-seed.ts";

export interface SeedsResult {
  readonly failed: readonly SeedResult[];
  readonly jobsEnded: number;
  readonly jobsCompleted: number;
}

export async function runSeeds(seeds: Iterable<number>): Promise<SeedsResult> {
  const failed: SeedResult[] = [];
  let jobsEnded = 0;
  let jobsCompleted = 0;
  for (const seed of seeds) {
    const result = await runSeed(seed);
    jobsEnded += result.jobs.ended;
    jobsCompleted += result.jobs.completed;
    if (result.problems.length > 0) failed.push(result);
  }
  return { failed, jobsEnded, jobsCompleted };
}

export function seedsFrom(start: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}

/** What is wrong with a seed, and how to see it again. */
export function describeFailure({ seed, problems }: SeedResult): string {
  return [`seed ${seed}: npm run simulate -- --seeds 1 --start ${seed}`, ...problems.slice(0, 3)].join("\n  ");
}
