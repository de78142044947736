/** What a piece of work will probably cost and take, from its expected number of steps. */
import { modelTable, type ModelName } from "../contracts/models.ts";
import type { TriageView } from "../contracts/records.ts";
import { callCostMicroUsd } from "../core/money.ts";

/** A typical step: most of the prompt comes from the cache, a little is new, and the answer is short. */
const typicalStepUsage = { inputTokens: 50, cacheWriteTokens: 1_200, cacheReadTokens: 14_000, outputTokens: 350 };
const typicalStepSeconds: Readonly<Record<ModelName, number>> = { haiku: 3, sonnet: 6, opus: 9 };

/** Cost in micro-dollars and time in seconds of so many steps on a model. */
export function estimateWork(expectedSteps: number, model: ModelName): TriageView["estimate"] {
  return {
    costMicroUsd: expectedSteps * callCostMicroUsd(typicalStepUsage, modelTable[model].price),
    durationSeconds: expectedSteps * typicalStepSeconds[model],
  };
}
