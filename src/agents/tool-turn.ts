/** All tool calls of one turn: run together, answered together, saved in one checkpoint. */
import pMap from "p-map";
import type { LogDraft } from "../contracts/organization-rpc.ts";
import type { ModelToolCall } from "../contracts/ports.ts";
import type { SavedFile, StepRecord } from "../contracts/records.ts";
import type { ToolExecution } from "../tools/execute-tool.ts";
import { findTool } from "../tools/registry.ts";
import { boundedText } from "./bounded-text.ts";
import type { LoopAttempt, LoopPorts, LoopState, Turn } from "./attempt.ts";
import { toolResultsMessage } from "./transcript.ts";

interface NumberedCall {
  readonly call: ModelToolCall;
  /** The step that it is recorded as. */
  readonly stepNumber: number;
}

interface FinishedCall extends NumberedCall {
  readonly execution: ToolExecution;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** How many calls run at a time. */
const callsAtOnce = 6;

/**
 * The calls in groups that may run together: what only reads does, and whatever changes something runs alone, after those
 * before it and before those behind it. So the results are those of running them one after the other.
 */
function groupsOf(calls: readonly NumberedCall[]): readonly (readonly NumberedCall[])[] {
  const groups: NumberedCall[][] = [];
  let canJoin = false;
  for (const numbered of calls) {
    const isReading = (findTool(numbered.call.name)?.access ?? "read") === "read";
    if (isReading && canJoin) groups.at(-1)?.push(numbered);
    else groups.push([numbered]);
    canJoin = isReading;
  }
  return groups;
}

async function runAll(calls: readonly NumberedCall[], ports: LoopPorts, signal: AbortSignal): Promise<FinishedCall[]> {
  const run = async ({ call, stepNumber }: NumberedCall): Promise<FinishedCall> => {
    signal.throwIfAborted();
    const startedAtMs = ports.clock.nowMs();
    const execution = await ports.runTool(call, stepNumber);
    return { call, stepNumber, execution, startedAtMs, durationMs: ports.clock.nowMs() - startedAtMs };
  };
  const finished: FinishedCall[] = [];
  for (const group of groupsOf(calls)) finished.push(...(await pMap(group, run, { concurrency: callsAtOnce })));
  return finished;
}

function stepOf(
  { call, stepNumber, execution, startedAtMs, durationMs }: FinishedCall,
  { jobId, number: attempt }: Pick<LoopAttempt, "jobId" | "number">,
) {
  const input = JSON.stringify(call.input);
  return {
    jobId,
    attempt,
    number: stepNumber,
    kind: "tool",
    name: call.name,
    input: boundedText(input),
    inputCharacters: input.length,
    output: boundedText(execution.output),
    isError: execution.isError,
    policy: execution.policy,
    startedAtMs,
    durationMs,
    usage: null,
    reservedMicroUsd: null,
    costMicroUsd: 0,
    stopReason: null,
  } as const satisfies StepRecord;
}

/** Later changes of a path replace earlier ones. */
function mergedWorkspace(finished: readonly FinishedCall[]): SavedFile[] {
  const changes = finished.flatMap(({ execution }) => execution.workspace);
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}

/** Runs the calls of a turn. A fault that is not the model's is thrown, and nothing is saved. */
export async function runTools(
  calls: readonly ModelToolCall[],
  attempt: LoopAttempt,
  state: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<Turn> {
  const numbered = calls.map((call, index) => ({ call, stepNumber: state.stepCount + index + 1 }));
  const finished = await runAll(numbered, ports, signal);
  const steps = finished.map((each) => stepOf(each, attempt));
  const logs: LogDraft[] = steps
    .filter((step) => step.isError)
    .map((step) => ({
      level: "WARN",
      message: `${step.name} answered with an error`,
      data: { step: step.number, output: step.output },
    }));
  const answer = toolResultsMessage(
    finished.map(({ call, execution }) => ({
      callId: call.id,
      output: execution.output,
      isError: execution.isError,
    })),
  );
  return {
    kind: "save",
    draft: {
      attempt: attempt.number,
      steps,
      appendedMessages: [answer],
      workspace: mergedWorkspace(finished),
      artifacts: finished.flatMap(({ execution }) => execution.artifacts),
      logs,
      heardMessageIds: [],
    },
  };
}
