/** Turns events into log lines. */
import type { OrganizationEvent } from "../../contracts/events.ts";
import type { LogFields, LogLevel } from "../../core/log.ts";

export interface Narration {
  readonly level: LogLevel;
  readonly fields: LogFields;
}

/** What a log line says about an event besides its type; null for events whose slice logs them itself. */
export function narrate(event: OrganizationEvent): Narration | null {
  switch (event.type) {
    case "step.recorded":
    case "log.written":
      return null;
    case "issue.submitted":
      return info({ issueType: event.data.issue.type, priority: event.data.issue.priority });
    case "issue.status_changed":
      return info({ from: event.data.from, status: event.data.status });
    case "issue.commanded":
    case "job.signalled":
      return info({ ...event.data });
    case "issue.waiting_changed":
      return info({ waitingFor: event.data.waitingFor ?? undefined });
    case "issue.triaged":
      return info({
        agent: event.data.triage.agent,
        complexity: event.data.triage.complexity,
        byRules: event.data.byRules,
      });
    case "job.created":
      return info({ role: event.data.job.role, agent: event.data.job.agentType, model: event.data.job.model });
    case "job.dispatched":
      return info({ dispatchId: event.data.dispatchId, slotNumber: event.data.slotNumber });
    case "job.slice_started":
      return info({ epoch: event.data.epoch, dispatchId: event.data.dispatchId });
    case "job.slice_ended":
      return { level: event.data.how === "lease_expired" ? "WARN" : "INFO", fields: { ...event.data } };
    case "job.attempt_started":
      return info({ attempt: event.data.attempt, modelId: event.data.modelId });
    case "job.model_changed":
      return { level: "WARN", fields: { model: event.data.model, why: event.data.modelReason } };
    case "job.status_changed": {
      const { from, status, attempts, error } = event.data;
      const level = status === "FAILED" ? "ERROR" : status === "PENDING" ? "WARN" : "INFO";
      return { level, fields: { from, status, attempts, reason: error?.reason } };
    }
    case "job.cost_estimated": {
      const { attempt, stepNumber, costMicroUsd } = event.data;
      return { level: "WARN", fields: { attempt, stepNumber, costMicroUsd } };
    }
    case "budget.alert":
      return { level: "WARN", fields: { ...event.data } };
    case "artifact.created":
      return info({ artifactId: event.data.artifact.id, artifactType: event.data.artifact.type });
    case "review.opened":
    case "review.decided": {
      const { id, status, approver, decidedBy } = event.data.review;
      return info({ reviewId: id, status, approver, decidedBy });
    }
    case "question.asked":
    case "question.closed": {
      const { id, status, choices, answeredBy, enteredBy } = event.data.question;
      return info({ questionId: id, status, choices: choices.length, answeredBy, enteredBy });
    }
    case "message.sent": {
      const { id, author, enteredBy } = event.data.message;
      return info({ messageId: id, author, enteredBy });
    }
    case "message.heard":
      return info({ messages: event.data.messageIds.length, attempt: event.data.attempt });
    case "feedback.given":
      return info({ rating: event.data.feedback.rating, outcome: event.data.feedback.outcome });
    case "effect.created":
    case "effect.changed":
  }
  const { id, kind, status, attempts, error } = event.data.effect;
  const level = status === "FAILED" ? "ERROR" : "INFO";
  return { level, fields: { effectId: id, effect: kind, status, attempts, reason: error?.reason } };
}

function info(fields: LogFields): Narration {
  return { level: "INFO", fields };
}
