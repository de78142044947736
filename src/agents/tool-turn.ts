/** All tool calls of one turn: run in order, answered together, saved in one checkpoint. */
import type { LogDraft } from "../contracts/organization-rpc.ts";
import type { ModelToolCall } from "../contracts/ports.ts";
import type { StepRecord, WorkspaceChange } from "../contracts/records.ts";
import type { ToolExecution } from "../tools/execute-tool.ts";
import { boundedText } from "./bounded-text.ts";
import type { LoopAttempt, LoopPorts, LoopState, Turn } from "./attempt.ts";
import { toolResultsMessage } from "./transcript.ts";

interface FinishedCall {
  readonly call: ModelToolCall;
  readonly execution: ToolExecution;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

async function runInOrder(
  calls: readonly ModelToolCall[],
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<FinishedCall[]> {
  const finished: FinishedCall[] = [];
  for (const call of calls) {
    signal.throwIfAborted();
    const startedAtMs = ports.clock.nowMs();
    const execution = await ports.runTool(call);
    finished.push({ call, execution, startedAtMs, durationMs: ports.clock.nowMs() - startedAtMs });
  }
  return finished;
}

function stepOf(
  { call, execution, startedAtMs, durationMs }: FinishedCall,
  jobId: string,
  attempt: number,
  at: number,
) {
  return {
    jobId,
    attempt,
    number: at,
    kind: "tool",
    name: call.name,
    input: boundedText(JSON.stringify(call.input)),
    output: boundedText(execution.output),
    isError: execution.isError,
    startedAtMs,
    durationMs,
    usage: null,
    costMicroUsd: 0,
    stopReason: null,
  } as const satisfies StepRecord;
}

/** Later changes of a path replace earlier ones. */
function mergedWorkspace(finished: readonly FinishedCall[]): WorkspaceChange[] {
  const changes = finished.flatMap(({ execution }) => execution.workspace);
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}

/** Runs the calls of a turn one after the other. A fault that is not the model's is thrown, and nothing is saved. */
export async function runTools(
  calls: readonly ModelToolCall[],
  attempt: LoopAttempt,
  state: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<Turn> {
  const finished = await runInOrder(calls, ports, signal);
  const steps = finished.map((each, index) => stepOf(each, attempt.jobId, attempt.number, state.stepCount + index + 1));
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
    },
  };
}
