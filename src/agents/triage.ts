/** From an issue to the job that works on it: what the model said, or what the rules say when it failed. */
import type { ModelName } from "../contracts/models.ts";
import type { OutcomeCount } from "../contracts/outcomes.ts";
import type { NextJob } from "../contracts/organization-rpc.ts";
import type { IssueRecord, TriageView } from "../contracts/records.ts";
import type { IssueType } from "../contracts/status.ts";
import type { AgentDefinition } from "./define-agent.ts";
import { estimateWork } from "./estimate.ts";
import { chooseModel } from "./model-choice.ts";
import { availableAgents, researchAgentId } from "./registry.ts";
import type { TriageAnswer } from "./triage-answer.ts";

export interface TriageFacts {
  readonly issue: Pick<IssueRecord, "title" | "description" | "type" | "priority" | "requestedModel">;
  readonly allowedAgents: "*" | readonly string[];
  readonly allowedModels: readonly ModelName[];
  readonly defaultModel: ModelName;
  /** How agents have fared on models so far. */
  readonly outcomes: readonly OutcomeCount[];
  /** What a job of the issue may cost; null leaves it to the agent. */
  readonly maxCostMicroUsd: number | null;
}

export interface TriageDecision {
  readonly triage: TriageView;
  readonly byRules: boolean;
  readonly next: NextJob;
}

/** Words that say nothing about the field of an issue. */
const emptyWords = new Set(
  "a an and are as at be by can cannot do does for from has have how i in is it its me my never no not of on or our so that the their them there they this to was we what when where who why will with you".split(
    " ",
  ),
);

function significantWords(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/\p{L}{2,}/gu) ?? [];
  return new Set(words.filter((word) => !emptyWords.has(word)).map((word) => word.replace(/(?<=\p{L}{3})s$/u, "")));
}

/** The chosen agent if the organization may use it, else research, else the first agent that it may use. */
function restrictAgent(wanted: string, candidates: readonly AgentDefinition[]): AgentDefinition | null {
  return (
    candidates.find((agent) => agent.id === wanted) ??
    candidates.find((agent) => agent.id === researchAgentId) ??
    candidates[0] ??
    null
  );
}

function decide(answer: TriageAnswer, byRules: boolean, facts: TriageFacts): TriageDecision | null {
  const agent = restrictAgent(answer.agent, availableAgents(facts.allowedAgents));
  if (agent === null) return null;
  const choice = chooseModel({
    type: answer.type,
    priority: answer.priority,
    complexity: answer.complexity,
    agentDefault: agent.defaultModel,
    allowedModels: facts.allowedModels,
    defaultModel: facts.defaultModel,
    requestedModel: facts.issue.requestedModel,
    history: facts.outcomes.filter(
      ({ agentType, agentVersion }) => agentType === agent.id && agentVersion === agent.version,
    ),
    estimateMicroUsd: (model) => estimateWork(answer.expectedSteps, model).costMicroUsd,
    ceilingMicroUsd: facts.maxCostMicroUsd ?? agent.ceilings.costMicroUsd,
  });
  const { expectedSteps, ...view } = answer;
  const reason =
    agent.id === answer.agent
      ? answer.reason
      : `${answer.reason} (${answer.agent} is not available to the organization: ${agent.id} instead)`;
  return {
    triage: { ...view, agent: agent.id, reason, estimate: estimateWork(expectedSteps, choice.model) },
    byRules,
    next: { agentType: agent.id, model: choice.model, modelReason: choice.reason },
  };
}

/** The decision from the model's answer; null when the organization may use no agent at all. */
export function triageByModel(answer: TriageAnswer, facts: TriageFacts): TriageDecision | null {
  return decide(answer, false, facts);
}

const complexityByType: Readonly<Record<IssueType, number>> = {
  QUESTION: 3,
  TASK: 4,
  BUG: 5,
  ENHANCEMENT: 5,
  FEATURE: 6,
  DEPLOYMENT: 8,
};
const stepsPerComplexity = 4;
/** Words that an issue must share with an agent's field before the rules choose it. */
const minSharedWords = 2;

/** How many steps the work on an issue of this type takes, as far as its type tells. */
export function stepsExpectedOf(type: IssueType): number {
  return complexityByType[type] * stepsPerComplexity;
}

interface RuleMatch {
  readonly rule: "shared_words" | "no_field_fits";
  readonly agentId: string;
  readonly module: string;
  readonly confidence: number;
  readonly why: string;
}

function matchByWords(facts: TriageFacts): RuleMatch {
  const asked = significantWords(`${facts.issue.title}\n${facts.issue.description}`);
  const [best] = availableAgents(facts.allowedAgents)
    .filter((agent) => agent.id !== researchAgentId)
    .map((agent) => {
      const field = significantWords([agent.name, agent.module, ...agent.topics].join("\n"));
      return { agent, shared: [...field].filter((word) => asked.has(word)) };
    })
    .sort((left, right) => right.shared.length - left.shared.length);
  if (best === undefined || best.shared.length < minSharedWords) {
    return {
      rule: "no_field_fits",
      agentId: researchAgentId,
      module: "unknown",
      confidence: 0.2,
      why: "no agent's field fits its words",
    };
  }
  return {
    rule: "shared_words",
    agentId: best.agent.id,
    module: best.agent.module,
    confidence: 0.4,
    why: `it shares the words ${best.shared.join(", ")} with that agent's field`,
  };
}

/** The decision without a model, keeping the caller's type and priority; null as in `triageByModel`. */
export function triageByRules(facts: TriageFacts): TriageDecision | null {
  const match = matchByWords(facts);
  const complexity = complexityByType[facts.issue.type];
  return decide(
    {
      type: facts.issue.type,
      priority: facts.issue.priority,
      module: match.module,
      complexity,
      agent: match.agentId,
      confidence: match.confidence,
      reason: `Sorted by the rule ${match.rule}, because the triage model gave no answer: ${match.why}.`,
      expectedSteps: stepsExpectedOf(facts.issue.type),
    },
    true,
    facts,
  );
}
