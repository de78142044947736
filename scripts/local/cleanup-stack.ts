/** What has been started, to be ended in the opposite order. */

export interface CleanupStack {
  /** Remembers how to end what was just started. */
  push(end: () => Promise<void>): void;
  /** Ends everything, last first, whatever fails on the way; then throws the first failure, if there was one. */
  run(): Promise<void>;
}

export function createCleanupStack(): CleanupStack {
  const ends: (() => Promise<void>)[] = [];
  return {
    push: (end) => void ends.push(end),
    run: async () => {
      const failures: unknown[] = [];
      for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
        try {
          await end();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, "the local stack did not stop in order");
    },
  };
}
