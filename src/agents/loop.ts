/** The durable loop of an attempt: model call → checkpoint → its tools → checkpoint …, from whatever is stored. */
import type { CheckpointDraft, LoopAttempt, LoopPorts, LoopState } from "./attempt.ts";
import { callModel } from "./model-turn.ts";
import { nextAction, type NextAction } from "./next-action.ts";
import { limitReached, SliceAborted, type LoopStop } from "./stops.ts";
import { runTools } from "./tool-turn.ts";

function advance(state: LoopState, draft: CheckpointDraft): LoopState {
  return {
    messages: [...state.messages, ...draft.appendedMessages],
    stepCount: state.stepCount + draft.steps.length,
    costMicroUsd: draft.steps.reduce((sum, step) => sum + step.costMicroUsd, state.costMicroUsd),
    lastUsage: draft.steps.findLast((step) => step.usage !== null)?.usage ?? state.lastUsage,
  };
}

function stopBefore(action: NextAction, state: LoopState, attempt: LoopAttempt, ports: LoopPorts): LoopStop | null {
  if (action.kind === "stop") return action.stop;
  const use = {
    stepCount: attempt.earlierSteps + state.stepCount,
    ranForMs: ports.ranForMs(),
    costMicroUsd: state.costMicroUsd,
  };
  const limit = action.kind === "call_model" ? limitReached(use, attempt.limits) : null;
  if (limit !== null) return limit;
  const pending = ports.pendingStop();
  return pending === null ? null : { kind: pending };
}

/**
 * Runs the attempt until it stops, and says how. Every model call that was checkpointed is never repeated, and a run
 * that was killed goes on as if nothing had happened. An abort ends it with the stop that the signal's reason names;
 * what was under way is then lost and done again by the next slice. Throws only faults of ours.
 */
export async function runLoop(
  attempt: LoopAttempt,
  stored: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<LoopStop> {
  let state = stored;
  try {
    for (;;) {
      signal.throwIfAborted();
      const action = nextAction(state.messages, attempt.answer);
      const stop = stopBefore(action, state, attempt, ports);
      if (stop !== null) return stop;
      const turn =
        action.kind === "run_tools"
          ? await runTools(action.calls, attempt, state, ports, signal)
          : await callModel(attempt, state, ports, signal);
      if (turn.kind === "stop") return turn.stop;
      signal.throwIfAborted();
      if (!(await ports.saveCheckpoint(turn.draft))) return { kind: "stale" };
      state = advance(state, turn.draft);
    }
  } catch (error) {
    if (error instanceof SliceAborted && error === signal.reason) return { kind: error.stop };
    throw error;
  }
}
