/** What a debugged job logs beside everything else: each step with what went in and came out. */
import type { LogDraft } from "../contracts/organization-rpc.ts";
import type { StepRecord } from "../contracts/records.ts";
import type { CheckpointDraft } from "./attempt.ts";

const maxTextCharacters = 2_000;

function cut(text: string): string {
  return text.length <= maxTextCharacters ? text : `${text.slice(0, maxTextCharacters).toWellFormed()}…`;
}

function stepLog(step: StepRecord): LogDraft {
  const { number, kind, name, durationMs, isError, policy, usage, reservedMicroUsd, costMicroUsd, stopReason } = step;
  const facts = { step: number, kind, durationMs, isError, policy, stopReason, reservedMicroUsd, costMicroUsd, usage };
  return {
    level: "DEBUG",
    message: `${name} ran`,
    data: { ...facts, input: cut(step.input), output: cut(step.output) },
  };
}

/** The lines of a checkpoint, one for each of its steps and one for what it adds to transcript and files. */
export function debugLogs({
  steps,
  appendedMessages,
  workspace,
  heardMessageIds,
}: CheckpointDraft): readonly LogDraft[] {
  const sizes = {
    messages: appendedMessages.length,
    messageCharacters: appendedMessages.reduce((sum, message) => sum + message.length, 0),
    files: workspace.map(({ path }) => path),
    heardMessages: heardMessageIds.length,
  };
  return [...steps.map(stepLog), { level: "DEBUG", message: "checkpoint", data: sizes }];
}
