/** What the fuzzing of the contract once found: fast-check's seed and path lead to the very request again. */

interface FuzzRegression {
  readonly operationId: string;
  readonly isValid: boolean;
  readonly seed: number;
  readonly path: string;
}

export const fuzzRegressions: readonly FuzzRegression[] = [];
