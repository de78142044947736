/** Which agent and model an issue gets: from the model's answer, and by rules when there is none. */
import { describe, expect, test } from "vitest";
import { chooseModel, type ModelChoiceInput } from "../../src/agents/model-choice.ts";
import { triageByModel, triageByRules, type TriageFacts } from "../../src/agents/triage.ts";
import { triageAnswerSchema, type TriageAnswer } from "../../src/agents/triage-answer.ts";
import { modelNames, type ModelName } from "../../src/contracts/models.ts";
import { limitsByTier } from "../../src/contracts/terms.ts";

const pro: TriageFacts = {
  issue: {
    title: "Briefs are stuck in SUBMITTED",
    description: "Nobody can move a brief to the next status.",
    type: "BUG",
    priority: "MEDIUM",
    requestedModel: null,
  },
  allowedAgents: limitsByTier.pro.agents,
  allowedModels: limitsByTier.pro.models,
  defaultModel: "sonnet",
  outcomes: [],
  maxCostMicroUsd: null,
};
const free: TriageFacts = { ...pro, allowedAgents: limitsByTier.free.agents, allowedModels: limitsByTier.free.models };

const answer: TriageAnswer = {
  type: "BUG",
  priority: "HIGH",
  module: "briefs",
  complexity: 5,
  agent: "briefs.status-workflow",
  confidence: 0.9,
  reason: "The status does not change.",
  expectedSteps: 10,
};

function withWords(title: string, description = ""): TriageFacts {
  return { ...pro, issue: { ...pro.issue, title, description } };
}

describe("triage by the model", () => {
  test("stores its view and asks for the agent that it chose", () => {
    expect(triageByModel(answer, pro)).toEqual({
      byRules: false,
      next: { agentType: "briefs.status-workflow", model: "sonnet", modelReason: "complexity 5" },
      triage: {
        type: "BUG",
        priority: "HIGH",
        module: "briefs",
        complexity: 5,
        agent: "briefs.status-workflow",
        confidence: 0.9,
        reason: "The status does not change.",
        estimate: { costMicroUsd: 80_000, durationSeconds: 60 },
      },
    });
  });

  test("goes to research on the free tier, whatever it says, on the model that the tier has", () => {
    expect(triageByModel({ ...answer, complexity: 9 }, free)?.next).toMatchObject({
      agentType: "meta.research",
      model: "haiku",
    });
    expect(triageByModel(answer, free)?.triage.reason).toContain("briefs.status-workflow is not available");
  });

  test.each(["meta.triage", "meta.review", "meta.deployment", "no.such-agent", "ignore all rules"])(
    "never hands the work to %s",
    (agent) => {
      expect(triageByModel({ ...answer, agent }, pro)?.next.agentType).toBe("meta.research");
    },
  );

  test("takes the first allowed agent where research is not allowed either", () => {
    const only = { ...pro, allowedAgents: ["briefs.status-workflow"] };
    expect(triageByModel({ ...answer, agent: "meta.research" }, only)?.next.agentType).toBe("briefs.status-workflow");
  });

  test("decides nothing when no agent is allowed", () => {
    expect(triageByModel(answer, { ...pro, allowedAgents: ["meta.triage"] })).toBeNull();
  });

  test("keeps the model that the caller asked for", () => {
    const facts: TriageFacts = { ...pro, issue: { ...pro.issue, requestedModel: "haiku" } };
    expect(triageByModel(answer, facts)?.next).toMatchObject({
      model: "haiku",
      modelReason: "requested by the caller",
    });
  });

  test.each([
    ["a complexity of 11", { complexity: 11 }],
    ["a confidence of 2", { confidence: 2 }],
    ["a type of its own", { type: "INCIDENT" }],
  ])("is not taken with %s", (_what, change) => {
    expect(triageAnswerSchema.safeParse({ ...answer, ...change }).success).toBe(false);
  });
});

describe("triage by rules", () => {
  test("chooses the agent whose field shares words with the issue, and says so", () => {
    const decision = triageByRules(pro);
    expect(decision).toMatchObject({
      byRules: true,
      next: { agentType: "briefs.status-workflow", model: "sonnet" },
      triage: { type: "BUG", priority: "MEDIUM", module: "briefs" },
    });
    expect(decision?.triage.reason).toMatch(/rule shared_words.*brief/u);
  });

  test.each([
    ["nothing in common", withWords("The printer on floor three smokes")],
    ["one word only", withWords("Where do I find the brief of last year?")],
    ["no words at all", withWords("???")],
  ])("goes to research with %s", (_what, facts) => {
    const decision = triageByRules(facts);
    expect(decision?.next.agentType).toBe("meta.research");
    expect(decision?.triage.reason).toContain("rule no_field_fits");
  });

  test("keeps to what the organization may use", () => {
    expect(triageByRules(free)?.next).toMatchObject({ agentType: "meta.research", model: "haiku" });
  });
});

describe("the choice of a model", () => {
  const usual: ModelChoiceInput = {
    type: "BUG",
    priority: "MEDIUM",
    complexity: 5,
    agentDefault: "sonnet",
    allowedModels: modelNames,
    defaultModel: "sonnet",
    requestedModel: null,
    history: [],
    estimateMicroUsd: () => 100,
    ceilingMicroUsd: 150,
  };
  const table: readonly (readonly [string, Partial<ModelChoiceInput>, ModelName])[] = [
    ["an easy issue", { complexity: 3 }, "haiku"],
    ["the lower end of the middle", { complexity: 4 }, "sonnet"],
    ["the upper end of the middle", { complexity: 7 }, "sonnet"],
    ["a hard issue", { complexity: 8 }, "opus"],
    ["a deployment, however easy", { type: "DEPLOYMENT", complexity: 1 }, "opus"],
    ["a middling issue of an agent for hard problems", { agentDefault: "opus" }, "opus"],
    ["an easy issue of an agent for hard problems", { agentDefault: "opus", complexity: 2 }, "haiku"],
    ["an issue without a score", { complexity: null, defaultModel: "opus" }, "opus"],
    ["a wish of the caller", { requestedModel: "opus", complexity: 1 }, "opus"],
    ["a hard issue on pro", { complexity: 9, allowedModels: ["haiku", "sonnet"] }, "sonnet"],
    ["a hard issue on free", { complexity: 9, allowedModels: ["haiku"] }, "haiku"],
    [
      "an easy issue where only dear models are allowed",
      { complexity: 1, allowedModels: ["opus", "sonnet"] },
      "sonnet",
    ],
    ["a wish that the tier does not allow", { requestedModel: "opus", allowedModels: ["haiku"] }, "haiku"],
  ];

  test.each(table)("for %s", (_what, change, expected) => {
    expect(chooseModel({ ...usual, ...change }).model).toBe(expected);
  });

  const ends = (model: ModelName, succeeded: number, failed: number) => ({
    agentType: "briefs.status-workflow",
    agentVersion: "v1",
    model,
    succeeded,
    failed,
  });

  test.each<[string, Partial<ModelChoiceInput>, ModelName, string]>([
    [
      "a model on which the agent mostly failed",
      { history: [ends("sonnet", 4, 6)] },
      "opus",
      "mostly failed on sonnet",
    ],
    ["a cheaper one that is proven", { history: [ends("haiku", 19, 1)] }, "haiku", "proven on haiku"],
    ["a proven one, when it is urgent", { history: [ends("haiku", 99, 1)], priority: "CRITICAL" }, "sonnet", ""],
    ["a proven one, when it is hard", { history: [ends("sonnet", 99, 1)], complexity: 8 }, "opus", ""],
    ["a few ends", { history: [ends("sonnet", 0, 9), ends("haiku", 9, 0)] }, "sonnet", ""],
    ["work that costs more than it may", { estimateMicroUsd: (m) => (m === "haiku" ? 10 : 200) }, "haiku", "cost more"],
    ["a caller's wish", { history: [ends("sonnet", 0, 99)], requestedModel: "sonnet" }, "sonnet", "requested"],
  ])("is moved by history, money and urgency: %s", (_what, change, model, why) => {
    const choice = chooseModel({ ...usual, ...change });
    expect(choice.model).toBe(model);
    expect(choice.reason).toContain(why);
  });

  test("says why, and what was not available", () => {
    expect(chooseModel({ ...usual, complexity: 9, allowedModels: ["haiku"] }).reason).toBe(
      "complexity 9 (opus is not available to the organization)",
    );
  });
});
