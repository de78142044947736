/** Which model does the work, and why: a pure function. */
import { modelNames, type ModelName } from "../contracts/models.ts";
import type { IssueType } from "../contracts/status.ts";

export interface ModelChoiceInput {
  readonly type: IssueType;
  /** 1–10; null when nobody scored the issue. */
  readonly complexity: number | null;
  readonly agentDefault: ModelName;
  readonly allowedModels: readonly ModelName[];
  /** The setting `AGENT_DEFAULT_MODEL`, for an issue without a score. */
  readonly defaultModel: ModelName;
  /** What the caller asked for at submission. */
  readonly requestedModel: ModelName | null;
}

export interface ModelChoice {
  readonly model: ModelName;
  /** Stored with the job. */
  readonly reason: string;
}

const hardFrom = 8;
const easyUpTo = 3;

/** The model before the organization's limits are applied. */
function preferredModel(input: ModelChoiceInput): ModelChoice {
  const { complexity, agentDefault } = input;
  if (input.requestedModel !== null) return { model: input.requestedModel, reason: "requested by the caller" };
  if (input.type === "DEPLOYMENT") return { model: "opus", reason: "a deployment" };
  if (complexity === null) return { model: input.defaultModel, reason: "no complexity score: the default model" };
  if (complexity >= hardFrom) return { model: "opus", reason: `complexity ${complexity}` };
  if (complexity <= easyUpTo) return { model: "haiku", reason: `complexity ${complexity}` };
  if (agentDefault === "opus") return { model: "opus", reason: `complexity ${complexity}, an agent for hard problems` };
  return { model: "sonnet", reason: `complexity ${complexity}` };
}

/** Complexity 8 and more or a deployment → opus, 3 and less → haiku, else sonnet; then what the organization may use. */
export function chooseModel(input: ModelChoiceInput): ModelChoice {
  const preferred = preferredModel(input);
  if (input.allowedModels.includes(preferred.model)) return preferred;
  const rank = (model: ModelName): number => modelNames.indexOf(model);
  const allowed = [...input.allowedModels].sort((left, right) => rank(left) - rank(right));
  const model = allowed.findLast((each) => rank(each) < rank(preferred.model)) ?? allowed[0] ?? "haiku";
  return { model, reason: `${preferred.reason} (${preferred.model} is not available to the organization)` };
}
