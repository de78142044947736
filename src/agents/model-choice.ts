/** Which model does the work, and why: a pure function. */
import { modelNames, nextModelUp, type ModelName } from "../contracts/models.ts";
import { outcomeVerdict, type OutcomeCount } from "../contracts/outcomes.ts";
import type { IssuePriority, IssueType } from "../contracts/status.ts";

export interface ModelChoiceInput {
  readonly type: IssueType;
  readonly priority: IssuePriority;
  /** 1–10; null when nobody scored the issue. */
  readonly complexity: number | null;
  readonly agentDefault: ModelName;
  readonly allowedModels: readonly ModelName[];
  /** The setting `AGENT_DEFAULT_MODEL`, for an issue without a score. */
  readonly defaultModel: ModelName;
  /** What the caller asked for at submission. */
  readonly requestedModel: ModelName | null;
  /** How this definition of the agent has fared on the models so far. */
  readonly history: readonly OutcomeCount[];
  /** What the work will probably cost on a model, and what it may cost at most. */
  readonly estimateMicroUsd: (model: ModelName) => number;
  readonly ceilingMicroUsd: number;
}

export interface ModelChoice {
  readonly model: ModelName;
  /** Stored with the job. */
  readonly reason: string;
}

const hardFrom = 8;
const easyUpTo = 3;

/** The model before history, money and the organization's limits are looked at. */
function preferredModel(input: ModelChoiceInput): ModelChoice {
  const { complexity, agentDefault } = input;
  if (input.type === "DEPLOYMENT") return { model: "opus", reason: "a deployment" };
  if (complexity === null) return { model: input.defaultModel, reason: "no complexity score: the default model" };
  if (complexity >= hardFrom) return { model: "opus", reason: `complexity ${complexity}` };
  if (complexity <= easyUpTo) return { model: "haiku", reason: `complexity ${complexity}` };
  if (agentDefault === "opus") return { model: "opus", reason: `complexity ${complexity}, an agent for hard problems` };
  return { model: "sonnet", reason: `complexity ${complexity}` };
}

function nextModelDown(model: ModelName, allowed: readonly ModelName[]): ModelName | null {
  return modelNames.slice(0, modelNames.indexOf(model)).findLast((cheaper) => allowed.includes(cheaper)) ?? null;
}

/** One up from a model on which the agent mostly failed; one down to a proven one, where nothing is hard or urgent. */
function movedByHistory(choice: ModelChoice, input: ModelChoiceInput): ModelChoice {
  const { history, allowedModels, complexity, priority, type } = input;
  const verdictOn = (model: ModelName) => {
    const count = history.find((each) => each.model === model);
    return count === undefined ? "unknown" : outcomeVerdict(count);
  };
  const { model, reason } = choice;
  const up = nextModelUp(model, allowedModels);
  if (up !== null && verdictOn(model) === "poor") {
    return { model: up, reason: `${reason}; the agent mostly failed on ${model}` };
  }
  const mayGoDown = type !== "DEPLOYMENT" && priority !== "CRITICAL" && (complexity ?? 0) < hardFrom;
  const down = nextModelDown(model, allowedModels);
  if (down !== null && mayGoDown && verdictOn(down) === "proven") {
    return { model: down, reason: `${reason}; the agent is proven on ${down}` };
  }
  return choice;
}

/** Cheaper models, while the work would probably cost more than it may. */
function movedByCost(choice: ModelChoice, input: ModelChoiceInput): ModelChoice {
  const { allowedModels, estimateMicroUsd, ceilingMicroUsd } = input;
  const down = nextModelDown(choice.model, allowedModels);
  if (down === null || estimateMicroUsd(choice.model) <= ceilingMicroUsd) return choice;
  const cheaper = { model: down, reason: `${choice.reason}; ${choice.model} would cost more than the job may` };
  return movedByCost(cheaper, input);
}

function withinLimits(preferred: ModelChoice, allowedModels: readonly ModelName[]): ModelChoice {
  if (allowedModels.includes(preferred.model)) return preferred;
  const model = nextModelDown(preferred.model, allowedModels) ?? nextModelUp(preferred.model, allowedModels) ?? "haiku";
  return { model, reason: `${preferred.reason} (${preferred.model} is not available to the organization)` };
}

/**
 * Complexity 8 and more or a deployment → opus, 3 and less → haiku, else sonnet; within what the organization may use;
 * moved by how the agent has fared, and down by what the job may cost. A caller who names a model gets that one.
 */
export function chooseModel(input: ModelChoiceInput): ModelChoice {
  const { requestedModel, allowedModels } = input;
  if (requestedModel !== null) {
    return withinLimits({ model: requestedModel, reason: "requested by the caller" }, allowedModels);
  }
  return movedByCost(movedByHistory(withinLimits(preferredModel(input), allowedModels), input), input);
}
