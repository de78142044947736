/** The durable loop of an attempt: model call → checkpoint → its tools → checkpoint …, from whatever is stored. */
import { promptTokensOf } from "../core/money.ts";
import type { CheckpointDraft, LoopAttempt, LoopPorts, LoopState, Turn } from "./attempt.ts";
import { callModel } from "./model-turn.ts";
import { nextAction, type NextAction } from "./next-action.ts";
import { ProgressWatch } from "./progress.ts";
import { limitReached, scarcityOf, SliceAborted, type LoopLimits, type LoopStop, type LoopUse } from "./stops.ts";
import { runTools } from "./tool-turn.ts";
import { isWrapUpMessage, peopleMessage, stuckMessage, wrapUpMessage } from "./transcript.ts";

function tokensOf(draft: CheckpointDraft): number {
  return draft.steps.reduce(
    (sum, { usage }) => sum + (usage === null ? 0 : promptTokensOf(usage) + usage.outputTokens),
    0,
  );
}

function advance(state: LoopState, draft: CheckpointDraft): LoopState {
  return {
    messages: [...state.messages, ...draft.appendedMessages],
    stepCount: state.stepCount + draft.steps.length,
    costMicroUsd: draft.steps.reduce((sum, step) => sum + step.costMicroUsd, state.costMicroUsd),
    tokenCount: state.tokenCount + tokensOf(draft),
    lastUsage: draft.steps.findLast((step) => step.usage !== null)?.usage ?? state.lastUsage,
  };
}

function useOf(state: LoopState, attempt: LoopAttempt, ports: LoopPorts): LoopUse {
  const { stepCount, tokenCount, costMicroUsd } = state;
  return { stepCount: attempt.earlierSteps + stepCount, tokenCount, ranForMs: ports.ranForMs(), costMicroUsd };
}

function stopBefore(
  action: NextAction,
  state: LoopState,
  { attempt, ports, progress }: { attempt: LoopAttempt; ports: LoopPorts; progress: ProgressWatch },
): LoopStop | null {
  if (action.kind === "stop") return action.stop;
  const question = action.kind === "run_tools" ? ports.openQuestion(action.calls) : null;
  if (question !== null) return { kind: "asked", question };
  const limit = action.kind === "call_model" ? limitReached(useOf(state, attempt, ports), attempt.limits) : null;
  if (limit !== null) return limit;
  if (action.kind === "call_model" && progress.verdict() === "stop") return { kind: "stuck" };
  const pending = ports.pendingStop();
  return pending === null ? null : { kind: pending };
}

/** What the agent has to be told before its next model call, as messages of the transcript. */
function noticesFor(state: LoopState, use: LoopUse, limits: LoopLimits, progress: ProgressWatch): readonly string[] {
  const scarcity = scarcityOf(use, limits);
  return [
    ...(scarcity === null || state.messages.some(isWrapUpMessage) ? [] : [wrapUpMessage(scarcity)]),
    ...(progress.verdict() === "tell" ? [stuckMessage] : []),
  ];
}

/** The turn as it is saved: with what has to follow it in the transcript, and what comes next. */
function completeTurn(
  draft: CheckpointDraft,
  before: LoopState,
  { attempt, ports, progress }: { attempt: LoopAttempt; ports: LoopPorts; progress: ProgressWatch },
): { readonly draft: CheckpointDraft; readonly state: LoopState; readonly action: NextAction } {
  for (const message of draft.appendedMessages) progress.observe(message);
  const state = advance(before, draft);
  const action = nextAction(state.messages, attempt.answer);
  if (action.kind !== "call_model") return { draft, state, action };
  const notices = noticesFor(state, useOf(state, attempt, ports), attempt.limits, progress);
  for (const notice of notices) progress.observe(notice);
  return {
    draft: { ...draft, appendedMessages: [...draft.appendedMessages, ...notices] },
    state: { ...state, messages: [...state.messages, ...notices] },
    action,
  };
}

const save = (draft: CheckpointDraft): Turn => ({ kind: "save", draft });

function takeTurn(
  action: NextAction,
  attempt: LoopAttempt,
  state: LoopState,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<Turn> {
  if (action.kind === "run_tools") return runTools(action.calls, attempt, state, ports, signal);
  return callModel(attempt, state, ports, signal);
}

/** What people have said, when it is the agent's turn to hear it: before a model call, and before it ends. */
function heard(action: NextAction, attempt: LoopAttempt, ports: LoopPorts): CheckpointDraft | null {
  const mayHear = action.kind === "call_model" || (action.kind === "stop" && action.stop.kind === "done");
  const messages = mayHear ? ports.unheard() : [];
  if (messages.length === 0) return null;
  return {
    attempt: attempt.number,
    steps: [],
    appendedMessages: [peopleMessage(messages)],
    workspace: [],
    artifacts: [],
    logs: [],
    heardMessageIds: messages.map(({ id }) => id),
  };
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
  let action = nextAction(state.messages, attempt.answer);
  const progress = new ProgressWatch(attempt.limits.stuck, state.messages);
  try {
    for (;;) {
      signal.throwIfAborted();
      const said = heard(action, attempt, ports);
      const stop = said === null ? stopBefore(action, state, { attempt, ports, progress }) : null;
      if (stop !== null) return stop;
      const turn = said === null ? await takeTurn(action, attempt, state, ports, signal) : save(said);
      if (turn.kind === "stop") return turn.stop;
      signal.throwIfAborted();
      const completed = completeTurn(turn.draft, state, { attempt, ports, progress });
      if (!(await ports.saveCheckpoint(completed.draft))) return { kind: "stale" };
      ({ state, action } = completed);
    }
  } catch (error) {
    if (error instanceof SliceAborted && error === signal.reason) return { kind: error.stop };
    throw error;
  }
}
