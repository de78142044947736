/** What a thread of `npm run simulate` tells. */
export interface ThreadResult {
  readonly jobsEnded: number;
  readonly jobsCompleted: number;
  /** One text for each seed that failed. */
  readonly failures: readonly string[];
}
