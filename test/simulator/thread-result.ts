/** The least part of all jobs that must succeed: a system in which everything fails breaks no other rule. */
export const leastSuccess = 0.9;

/** What a thread of `npm run simulate` tells. */
export interface ThreadResult {
  readonly jobsEnded: number;
  readonly jobsCompleted: number;
  /** One text for each seed that failed. */
  readonly failures: readonly string[];
}
