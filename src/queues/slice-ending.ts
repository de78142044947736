/** How a slice reports the end of its loop: a pure decision from the stop to the call that the object gets. */
import { reviewAnswerSchema, reviewSummary } from "../agents/review-answer.ts";
import type { LoopStop } from "../agents/stops.ts";
import { triageByModel, triageByRules, type TriageDecision, type TriageFacts } from "../agents/triage.ts";
import { triageAnswerSchema } from "../agents/triage-answer.ts";
import { askedMaxCostMicroUsd } from "../contracts/ceilings.ts";
import type { ModelName } from "../contracts/models.ts";
import { redactText } from "../core/redaction/redact.ts";
import type { AskCommand, Assignment, EpochRef, FailCommand, FinishCommand } from "../contracts/organization-rpc.ts";

export type SliceEnding =
  | { readonly kind: "finish"; readonly command: Omit<FinishCommand, keyof EpochRef> }
  /** Whoever reports it adds the agent's fall-back model. */
  | { readonly kind: "fail"; readonly command: Omit<FailCommand, keyof EpochRef> }
  | { readonly kind: "ask"; readonly command: Omit<AskCommand, keyof EpochRef> }
  | { readonly kind: "yield" }
  /** Another slice holds the job, or it is over: nothing is reported. */
  | { readonly kind: "leave" };

/** A failure that no further attempt can change. */
export function finalFailure(reason: string, message: string): SliceEnding {
  return {
    kind: "fail",
    command: { failureClass: "final", error: { reason, message }, retryAfterMs: null },
  };
}

function triageEnding(decision: TriageDecision | null): SliceEnding {
  if (decision === null) return finalFailure("no_agent", "The organization may use no agent that works on issues.");
  return { kind: "finish", command: { outcome: { role: "triage", ...decision }, artifacts: [] } };
}

function doneEnding(
  stop: Extract<LoopStop, { kind: "done" }>,
  assignment: Assignment,
  facts: TriageFacts,
): SliceEnding {
  const { role } = assignment.job;
  if (role === "triage") return triageEnding(triageByModel(triageAnswerSchema.parse(stop.answer), facts));
  if (role === "work") {
    return { kind: "finish", command: { outcome: { role, summary: stop.summary }, artifacts: [] } };
  }
  const answer = reviewAnswerSchema.parse(stop.answer);
  const outcome = { role, decision: answer.decision, summary: reviewSummary(answer) };
  return { kind: "finish", command: { outcome, artifacts: [] } };
}

function budgetMessage(stop: Extract<LoopStop, { kind: "budget" }>): string {
  switch (stop.by) {
    case "job":
      return `The next call might exceed the job's limit of ${stop.limitMicroUsd / 1_000_000} US dollars.`;
    case "organization_day":
      return "The organization's budget of this day (UTC) has no room for the next call.";
    case "organization_month":
  }
  return "The organization's budget of this month (UTC) has no room for the next call.";
}

function stoppedEnding(
  stop: Exclude<LoopStop, { kind: "done" | "asked" | "yielded" | "paused" | "cancelled" | "stale" }>,
): SliceEnding {
  if (stop.kind === "refused") return finalFailure("refused", "The model refused to work on this issue.");
  if (stop.kind === "steps") return finalFailure("steps", `The job reached its limit of ${stop.limit} steps.`);
  if (stop.kind === "tokens") return finalFailure("tokens", `The job reached its limit of ${stop.limit} tokens.`);
  if (stop.kind === "stuck") {
    return finalFailure("stuck", "The agent repeated itself, was told so, and went on in the same way.");
  }
  if (stop.kind === "time") {
    return finalFailure("time", `The job reached its limit of ${stop.limitMs / 60_000} minutes of running.`);
  }
  if (stop.kind === "budget") return finalFailure("budget", budgetMessage(stop));
  const { failureClass, reason, message, retryAfterMs, isModelFault = false } = stop;
  return { kind: "fail", command: { failureClass, error: { reason, message }, retryAfterMs, isModelFault } };
}

/**
 * The ending of a slice. Triage whose model failed for good is decided by rules; a transient failure is the durable
 * layer's to repeat, whatever the role.
 */
export function endingOf(stop: LoopStop, assignment: Assignment, defaultModel: ModelName): SliceEnding {
  const { issue, allowedAgents, allowedModels, outcomes } = assignment;
  const maxCostMicroUsd = askedMaxCostMicroUsd(assignment.job.config);
  const facts = { issue, allowedAgents, allowedModels, defaultModel, outcomes, maxCostMicroUsd };
  if (stop.kind === "yielded" || stop.kind === "paused") return { kind: "yield" };
  if (stop.kind === "asked") {
    const { question, choices, defaultAnswer, callId } = stop.question;
    const draft = {
      callId,
      question: redactText(question),
      choices: choices.map(redactText),
      defaultAnswer: defaultAnswer === null ? null : redactText(defaultAnswer),
    };
    return { kind: "ask", command: { attempt: assignment.attempt.number, draft } };
  }
  if (stop.kind === "stale" || stop.kind === "cancelled") return { kind: "leave" };
  if (stop.kind === "done") return doneEnding(stop, assignment, facts);
  const mayHeal = stop.kind === "failed" && stop.failureClass === "transient";
  return assignment.job.role === "triage" && !mayHeal ? triageEnding(triageByRules(facts)) : stoppedEnding(stop);
}
