/** Runs one slice of a claimed job: guard, preparation, loop, report. */
import type { AgentDefinition } from "../agents/define-agent.ts";
import type { LoopPorts, LoopState } from "../agents/attempt.ts";
import { runLoop } from "../agents/loop.ts";
import { findAgent } from "../agents/registry.ts";
import { failedAttempt, SliceAborted, type LoopStop } from "../agents/stops.ts";
import { jobCeilings } from "../contracts/ceilings.ts";
import { modelTable, type ModelName } from "../contracts/models.ts";
import type { Assignment, AttemptPrompt, EpochRef, OrganizationRpc } from "../contracts/organization-rpc.ts";
import { GitHubError, type ModelPort } from "../contracts/ports.ts";
import type { Timings } from "../contracts/timings.ts";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { ToolContext } from "../tools/define-tool.ts";
import { executeTool } from "../tools/execute-tool.ts";
import { repeatCall } from "./repeat-call.ts";
import { endingOf, finalFailure, type SliceEnding } from "./slice-ending.ts";
import { guardSlice, type SliceGuard } from "./slice-guard.ts";
import { sliceMoney } from "./slice-money.ts";
import { openWorkspace, renderAttempt, type PreparationPorts } from "./slice-preparation.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";

/** What a slice asks of its organization's object. */
export type SliceOrganization = Pick<
  OrganizationRpc,
  | "claim"
  | "renewLease"
  | "control"
  | "beginAttempt"
  | "reserve"
  | "release"
  | "settle"
  | "checkpoint"
  | "streamText"
  | "finish"
  | "fail"
  | "yieldSlice"
>;

export interface SlicePorts extends PreparationPorts {
  readonly objects: PreparationPorts["objects"] & { organization(organizationId: string): SliceOrganization };
  readonly model: ModelPort;
  readonly clock: Clock;
  readonly timings: Timings;
  /** For an issue without a complexity score. */
  readonly defaultModel: ModelName;
}

/** One claimed slice, with everything that its parts share. */
interface Slice {
  readonly ports: SlicePorts;
  readonly assignment: Assignment;
  readonly definition: AgentDefinition;
  readonly ref: EpochRef;
  readonly organization: () => SliceOrganization;
  readonly logger: Logger;
  readonly startedAtMs: number;
}

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
  if (prompt !== null) return { prompt, state: { messages, stepCount, costMicroUsd, lastUsage } };
  const rendered = await renderAttempt(assignment, slice.definition, workspace);
  const begin = { ...ref, attempt: number, ...rendered };
  const answer = await repeatCall(() => organization().beginAttempt(begin), logger, signal);
  if (!answer.accepted) return null;
  const messagesBegun = [rendered.firstMessage];
  return { prompt: rendered.prompt, state: { messages: messagesBegun, stepCount: 0, costMicroUsd, lastUsage: null } };
}

function loopPorts(slice: Slice, tools: ToolContext, text: TextStream, guard: SliceGuard): LoopPorts {
  const { ports, assignment, ref, organization, logger, startedAtMs } = slice;
  const { signal } = guard;
  return {
    model: ports.model,
    clock: ports.clock,
    money: sliceMoney({ organization, ref, logger, signal }),
    ranForMs: () => assignment.used.ranForMs + ports.clock.nowMs() - startedAtMs,
    runTool: (call) => executeTool(tools, call),
    saveCheckpoint: async (draft) => {
      const answer = await repeatCall(() => organization().checkpoint({ ...ref, ...draft }), logger, signal);
      return answer.accepted;
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
  const tools: ToolContext = {
    organizationId: ref.organizationId,
    slug: assignment.slug,
    issueId: assignment.issue.id,
    jobId: ref.jobId,
    tools: definition.tools.filter((name) => !assignment.toolsOff.includes(name)),
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
    limits: { ...jobCeilings(definition.ceilings, assignment.job), modelCallMaxMs: ports.timings.modelCallMaxMs },
  };
  return runLoop(attempt, started.state, loopPorts(slice, tools, text, guard), signal);
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

function tellObject(
  ending: SliceEnding,
  ref: EpochRef,
  organization: SliceOrganization,
): Promise<{ readonly accepted: boolean }> {
  if (ending.kind === "finish") return organization.finish({ ...ref, ...ending.command });
  if (ending.kind === "fail") return organization.fail({ ...ref, ...ending.command });
  if (ending.kind === "yield") return organization.yieldSlice(ref);
  return Promise.resolve({ accepted: false });
}

async function report(
  ending: SliceEnding,
  { ref, organization, logger }: Pick<Slice, "ref" | "organization" | "logger">,
): Promise<void> {
  const { accepted } = await repeatCall(() => tellObject(ending, ref, organization()), logger);
  if (ending.kind === "fail") {
    const { failureClass, error } = ending.command;
    logger.warn("attempt failed", { failureClass, reason: error.reason, problem: error.message, accepted });
  }
  logger.info("slice ended", { how: ending.kind, accepted });
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
    await report(finalFailure("unknown_agent", `There is no agent ${job.agentType}.`), { ref, organization, logger });
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
  const stop = await runGuarded({ ports, assignment, definition, ref, organization, logger, startedAtMs });
  const ending = endingOf(stop, assignment, ports.defaultModel);
  if (ending.kind === "finish" && ending.command.outcome.role === "triage" && ending.command.outcome.byRules) {
    logger.warn("triage decided by rules", { stop: stop.kind, why: stop.kind === "failed" ? stop.reason : stop.kind });
  }
  await report(ending, { ref, organization, logger });
}
