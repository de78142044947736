/** How the demo shows a run on the terminal: one event in, the lines to print out. */
import pc from "picocolors";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { JobRecord, StepRecord } from "../../src/contracts/records.ts";

/** What the view has to remember of earlier events. */
export interface DemoView {
  linesOf(event: OrganizationEvent): readonly string[];
}

const shownInputLength = 70;

/** Shows triage, steps with duration, tokens and cost, status changes, artifacts, reviews and effects. */
export function createDemoView(): DemoView {
  const jobs = new Map<string, JobRecord>();
  const labelOf = (jobId: string | null): string => jobs.get(jobId ?? "")?.role ?? "";

  return {
    linesOf: (event) => {
      switch (event.type) {
        case "issue.submitted": {
          const { issue } = event.data;
          return [line("issue", `${pc.bold(issue.title)} ${pc.dim(`${issue.type}, ${issue.priority}, ${issue.id}`)}`)];
        }
        case "issue.status_changed":
          return [line("status", pc.bold(event.data.status))];
        case "issue.triaged": {
          const { triage, byRules } = event.data;
          const decidedBy = byRules ? " (by rules)" : "";
          return [
            line("triage", `${triage.type}, ${triage.priority}, complexity ${triage.complexity} of 10${decidedBy}`),
            line("", `→ ${pc.bold(triage.agent)}, confidence ${triage.confidence.toFixed(2)}: ${triage.reason}`),
            line("", pc.dim(`expected ${dollars(triage.estimate.costMicroUsd)}, ${triage.estimate.durationSeconds} s`)),
          ];
        }
        case "job.created": {
          const { job } = event.data;
          jobs.set(job.id, job);
          return [line(job.role, `${pc.bold(job.agentType)} on ${job.model} ${pc.dim(job.modelReason)}`)];
        }
        case "job.status_changed":
          return event.data.error === null
            ? []
            : [line(labelOf(event.jobId), pc.red(`${event.data.error.reason}: ${event.data.error.message}`))];
        case "step.recorded":
          return [line(labelOf(event.jobId), stepText(event.data.step, event.data.issueCostMicroUsd))];
        case "artifact.created":
          return [line("result", `${event.data.artifact.type}: ${event.data.artifact.name}`)];
        case "review.opened":
          return [
            line(
              "review",
              `waits for ${event.data.review.approver === "platform" ? "a platform administrator" : "a reviewer"}`,
            ),
          ];
        case "review.decided":
          return [line("review", `${event.data.review.status} by ${event.data.review.decidedBy ?? "nobody"}`)];
        case "effect.changed": {
          const { kind, status, result, error } = event.data.effect;
          return [line("effect", [kind, status, result?.url ?? error?.message ?? ""].join(" ").trimEnd())];
        }
        case "log.written":
          if (event.data.log.level === "DEBUG" || event.data.log.level === "INFO") return [];
          return [
            line(labelOf(event.jobId), pc.dim(`${event.data.log.level.toLowerCase()}: ${event.data.log.message}`)),
          ];
        case "issue.commanded":
          return [line("command", `${event.data.command} by ${event.data.actor}`)];
        case "issue.waiting_changed":
          return event.data.waitingFor === null ? [] : [line("waits", `for ${event.data.waitingFor}`)];
        case "budget.alert":
          return [line("budget", pc.yellow("80 % of a budget is spent"))];
        case "feedback.given":
          return [line("feedback", `${event.data.feedback.rating}/5 by ${event.data.feedback.givenBy}`)];
        case "job.model_changed":
          return [line(labelOf(event.jobId), pc.yellow(event.data.modelReason))];
        case "question.asked":
          return [line("asks", pc.bold(event.data.question.question))];
        case "question.closed": {
          const { status, answer, answeredBy } = event.data.question;
          return [line("answer", answer === null ? status : `${answer} (${answeredBy ?? "by default"})`)];
        }
        case "message.sent":
          return [line("says", `${event.data.message.author}: ${event.data.message.text}`)];
        case "message.heard":
        case "effect.created":
        case "job.attempt_started":
        case "job.cost_estimated":
        case "job.dispatched":
        case "job.signalled":
        case "job.slice_started":
        case "job.slice_ended":
          return [];
      }
    },
  };
}

/** Micro-dollars as people read them; small sums keep the digits that matter. */
export function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(microUsd < 10_000 ? 6 : 4)}`;
}

function line(label: string, text: string): string {
  return `  ${pc.cyan(label.padEnd(7))} ${text}`;
}

function stepText(step: StepRecord, issueCostMicroUsd: number): string {
  const number = String(step.number).padStart(2);
  const duration = pc.dim(`${step.durationMs} ms`);
  if (step.kind === "tool") {
    const mark = step.isError ? pc.red("failed") : pc.green("ok");
    return `${number} ${pc.yellow(step.name)} ${pc.dim(shortened(step.input))} ${mark} ${duration}`;
  }
  const usage = step.usage;
  const tokens =
    usage === null
      ? ""
      : `${usage.inputTokens} in, ${usage.cacheWriteTokens} cached, ${usage.cacheReadTokens} from cache, ${usage.outputTokens} out`;
  const cost = `${dollars(step.costMicroUsd)} ${pc.dim(`(issue ${dollars(issueCostMicroUsd)})`)}`;
  return `${number} ${pc.magenta(step.name)} ${pc.dim(tokens)} ${duration} ${cost}`;
}

function shortened(text: string): string {
  const oneLine = text.replaceAll(/\s+/gu, " ");
  return oneLine.length <= shownInputLength ? oneLine : `${oneLine.slice(0, shownInputLength)}…`;
}
