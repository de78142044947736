/** Runs one slice of a claimed job: guard, preparation, loop, report. */
import type { CheckpointDraft, LoopPorts, LoopState } from "../agents/attempt.ts";
import { debugLogs } from "../agents/debug-log.ts";
import { runLoop } from "../agents/loop.ts";
import type { StuckLimits } from "../agents/progress.ts";
import { findAgent } from "../agents/registry.ts";
import { failedAttempt, SliceAborted, type LoopStop } from "../agents/stops.ts";
import { jobCeilings } from "../contracts/ceilings.ts";
import { modelTable } from "../contracts/models.ts";
import type { Assignment, AttemptPrompt, LogDraft, SliceNews } from "../contracts/organization-rpc.ts";
import { GitHubError } from "../contracts/ports.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { redactJson, redactText } from "../core/redaction/redact.ts";
import { callKey } from "../tools/call-key.ts";
import type { JobToolContext, ToolContext } from "../tools/define-tool.ts";
import { executeTool } from "../tools/execute-tool.ts";
import { openQuestion } from "../tools/people/ask-user.ts";
import { debuggedCeilings, debuggedTimings } from "./debugged.ts";
import { repeatCall } from "./repeat-call.ts";
import { endingOf, finalFailure } from "./slice-ending.ts";
import { guardSlice, type SliceGuard } from "./slice-guard.ts";
import { sliceMoney } from "./slice-money.ts";
import { openWorkspace, renderAttempt } from "./slice-preparation.ts";
import { report } from "./slice-report.ts";
import type { Slice, SliceOrganization, SlicePorts } from "./slice.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";

/** Three times the same is no accident, and a dozen calls without news are no search. */
const stuckLimits: StuckLimits = { repeatedCalls: 3, idleCalls: 12 };

interface StartedAttempt {
  readonly prompt: AttemptPrompt;
  readonly state: LoopState;
}

/** The stored attempt, or a new one; null when the job is no longer this slice's. */
async function startAttempt(
  slice: Slice,
  workspace: ToolContext["workspace"],
  signal: AbortSignal,
): Promise<StartedAttempt | null> {
  const { assignment, ref, organization, logger } = slice;
  const { number, prompt, messages, stepCount, lastUsage } = assignment.attempt;
  const { costMicroUsd } = assignment.job;
  const { tokenCount } = assignment.used;
  if (prompt !== null) return { prompt, state: { messages, stepCount, costMicroUsd, tokenCount, lastUsage } };
  const rendered = await renderAttempt(assignment, slice.definition, workspace);
  const begin = { ...ref, attempt: number, agentVersion: slice.definition.version, ...rendered };
  const answer = await repeatCall(() => organization().beginAttempt(begin), logger, signal);
  if (!answer.accepted) return null;
  const state = { messages: [rendered.firstMessage], stepCount: 0, costMicroUsd, tokenCount, lastUsage: null };
  return { prompt: rendered.prompt, state };
}

/** A log line as it is kept. */
function redactedLog({ level, message, data }: LogDraft): LogDraft {
  return { level, message: redactText(message), data: data === null ? null : redactJson(data) };
}

/** What people have answered to questions of the present attempt, by the tool call that asked. */
function answersOf({
  job,
  attempt,
  conversation,
}: Assignment): ReadonlyMap<string, NonNullable<ToolContext["answer"]>> {
  const ofAttempt = conversation.questions.filter(
    (question) => question.jobId === job.id && question.attempt === attempt.number,
  );
  return new Map(
    ofAttempt.flatMap(({ callId, answer, status }) =>
      answer === null ? [] : [[callId, { answer, isDefault: status === "DEFAULTED" }]],
    ),
  );
}

function loopPorts(slice: Slice, job: Omit<JobToolContext, "tools">, text: TextStream, guard: SliceGuard): LoopPorts {
  const { ports, assignment, definition, ref, organization, logger, startedAtMs } = slice;
  const { signal } = guard;
  const answers = answersOf(assignment);
  let news: SliceNews = {
    unheard: assignment.conversation.messages.filter(({ heardByJobId }) => heardByJobId === null),
    toolsOff: assignment.toolsOff,
    isDebugged: assignment.isDebugged,
  };
  const tools = (): readonly string[] => definition.tools.filter((name) => !news.toolsOff.includes(name));
  const logsOf = (draft: CheckpointDraft): readonly LogDraft[] =>
    news.isDebugged ? [...draft.logs, ...debugLogs(draft)] : draft.logs;
  return {
    model: ports.model,
    clock: ports.clock,
    money: sliceMoney({ organization, ref, logger, signal }),
    ranForMs: () => assignment.used.ranForMs + ports.clock.nowMs() - startedAtMs,
    runTool: (call, stepNumber) => {
      const idempotencyKey = callKey({ jobId: ref.jobId, attempt: assignment.attempt.number, stepNumber }, call);
      const answer = answers.get(call.id) ?? null;
      return executeTool({ ...job, tools: tools(), idempotencyKey, answer }, call);
    },
    openQuestion: (calls) => openQuestion(calls, { tools: tools() }, (callId) => answers.has(callId)),
    unheard: () => news.unheard,
    saveCheckpoint: async (draft) => {
      const checkpoint = { ...ref, ...draft, logs: logsOf(draft).map(redactedLog) };
      const answer = await repeatCall(() => organization().checkpoint(checkpoint), logger, signal);
      if (!answer.accepted) return false;
      const { accepted, ...told } = answer;
      news = { ...news, ...told };
      return accepted;
    },
    onText: (words) => text.push(words),
    pendingStop: () => {
      const isOver = ports.clock.nowMs() - startedAtMs >= ports.timings.sliceMaxMs;
      return guard.pendingStop() ?? (isOver ? "yielded" : null);
    },
  };
}

async function work(slice: Slice, text: TextStream, guard: SliceGuard): Promise<LoopStop> {
  const { signal } = guard;
  const { ports, assignment, definition, ref, logger } = slice;
  const workspace = await openWorkspace(assignment, definition, { ...ports, logger }, signal);
  const started = await startAttempt(slice, workspace, signal);
  if (started === null) return { kind: "stale" };
  const { price, maxOutputTokens } = modelTable[assignment.job.model];
  const ceilings = jobCeilings(definition.ceilings, assignment.job);
  const job = {
    organizationId: ref.organizationId,
    slug: assignment.slug,
    issueId: assignment.issue.id,
    jobId: ref.jobId,
    workspace,
  };
  const attempt = {
    jobId: ref.jobId,
    number: assignment.attempt.number,
    prompt: started.prompt,
    answer: definition.answer,
    earlierSteps: assignment.used.earlierSteps,
    price,
    maxTokens: maxOutputTokens,
    limits: {
      ...(assignment.isDebugged ? debuggedCeilings(ceilings) : ceilings),
      modelCallMaxMs: ports.timings.modelCallMaxMs,
      stuck: stuckLimits,
    },
  };
  return runLoop(attempt, started.state, loopPorts(slice, job, text, guard), signal);
}

/** An object that is overloaded or being restarted says so on its errors; time heals that, nothing else. */
function isPlatformFault(error: unknown): boolean {
  const says = (mark: string): boolean => error instanceof Error && mark in error && Reflect.get(error, mark) === true;
  return says("retryable") || says("overloaded");
}

/** The stop for what was thrown. Internal text goes to the log, never to the tenant. */
function stopOfThrown(error: unknown, signal: AbortSignal, logger: Logger): LoopStop {
  if (error === signal.reason && error instanceof SliceAborted) return { kind: error.stop };
  if (error instanceof GitHubError) {
    const failureClass = error.transient ? "transient" : "permanent";
    logger.warn("GitHub failed", { reason: error.reason, error: describeError(error) });
    const message = `The repository could not be read from GitHub (${error.reason}).`;
    return { kind: "failed", failureClass, reason: error.reason, message, retryAfterMs: error.retryAfterMs };
  }
  logger.error("slice failed", { error: describeError(error), stack: error instanceof Error ? error.stack : null });
  const failure = failedAttempt("internal", "Something went wrong on our side.");
  return failure.kind === "failed" && isPlatformFault(error) ? { ...failure, failureClass: "transient" } : failure;
}

async function runGuarded(slice: Slice): Promise<LoopStop> {
  const { ports, ref, organization, logger } = slice;
  const guard = guardSlice({ organization, ref, timings: ports.timings, clock: ports.clock, logger });
  const text = createTextStream((words) => organization().streamText({ ...ref, text: words }), logger);
  try {
    return await work(slice, text, guard);
  } catch (error) {
    return stopOfThrown(error, guard.signal, logger);
  } finally {
    await Promise.all([guard.close(), text.close()]);
  }
}

/**
 * Runs the slice to its end and reports it. Every fault of the model, the tools or GitHub ends in a report; throws only
 * when the organization's object cannot be reached, and then the lease's end brings the job back.
 */
export async function runSlice(ports: SlicePorts, organizationId: string, assignment: Assignment): Promise<void> {
  const { epoch, job, attempt, correlationId, issue } = assignment;
  const ref = { organizationId, jobId: job.id, epoch };
  const logger = ports.logger.with({ correlationId, organizationId, issueId: issue.id, jobId: job.id, epoch });
  const organization = (): SliceOrganization => ports.objects.organization(organizationId);
  const definition = findAgent(job.agentType);
  if (definition === null) {
    const failure = finalFailure("unknown_agent", `There is no agent ${job.agentType}.`);
    await report(failure, null, { ref, organization, logger });
    return;
  }
  logger.info("slice started", {
    agent: definition.id,
    agentVersion: definition.version,
    model: job.model,
    attempt: attempt.number,
    stepCount: attempt.stepCount,
  });
  const startedAtMs = ports.clock.nowMs();
  const timings = assignment.isDebugged ? debuggedTimings(ports.timings) : ports.timings;
  const slice: Slice = {
    ports: { ...ports, timings },
    assignment,
    definition,
    ref,
    organization,
    logger,
    startedAtMs,
  };
  const stop = await runGuarded(slice);
  const ending = endingOf(stop, assignment, ports.defaultModel);
  if (ending.kind === "finish" && ending.command.outcome.role === "triage" && ending.command.outcome.byRules) {
    logger.warn("triage decided by rules", { stop: stop.kind, why: stop.kind === "failed" ? stop.reason : stop.kind });
  }
  await report(ending, definition.fallbackModel ?? null, slice);
}
