/** Whether what is asked of an issue may be done now. Every decision is about the issue's own jobs and effects. */
import type { EffectRecord, JobRecord } from "../../contracts/records.ts";
import type { IssueStatus } from "../../contracts/status.ts";
import { isTerminalJobStatus } from "../../contracts/status.ts";
import type { Failure } from "../../core/errors.ts";
import type { JobState } from "./job-state.ts";

export type CommandedJob = Pick<JobState, "signal"> & {
  readonly record: Pick<JobRecord, "id" | "status" | "pausedReason" | "retryOf">;
};
export type CommandedEffect = {
  readonly record: Pick<EffectRecord, "id" | "status" | "attempts" | "redriveOf">;
};

/** What `repeat` stands for has been done before: there is nothing more to do, and nothing wrong. */
interface Repeat {
  readonly kind: "repeat";
}
interface Refusal {
  readonly kind: "refuse";
  readonly failure: Failure;
}

export type CancelDecision<Job, Effect> =
  | { readonly kind: "cancel"; readonly jobs: readonly Job[]; readonly effects: readonly Effect[] }
  | Repeat
  | Refusal;
export type JobsDecision<Kind extends string, Job> =
  | { readonly kind: Kind; readonly jobs: readonly Job[] }
  | Repeat
  | Refusal;
export type RetryDecision<Job, Effect> =
  | { readonly kind: "retry"; readonly jobs: readonly Job[]; readonly effects: readonly Effect[] }
  | Repeat
  | Refusal;

function refuse(detail: string): Refusal {
  return { kind: "refuse", failure: { code: "conflict", detail } };
}

function alive<Job extends CommandedJob>(jobs: readonly Job[]): readonly Job[] {
  return jobs.filter(({ record }) => !isTerminalJobStatus(record.status));
}

function isPausedByOperator({ record, signal }: CommandedJob): boolean {
  return record.pausedReason === "operator" || signal === "pause";
}

/** An effect that was ever claimed may have reached the outside: it is finished, and its issue is not cancelled meanwhile. */
export function decideCancel<Job extends CommandedJob, Effect extends CommandedEffect>(
  status: IssueStatus,
  jobs: readonly Job[],
  effects: readonly Effect[],
): CancelDecision<Job, Effect> {
  if (status === "CANCELLED") return { kind: "repeat" };
  if (status === "COMPLETED" || status === "FAILED") return refuse(`The issue has ended: ${status}.`);
  const open = effects.filter(({ record }) => record.status === "PENDING" || record.status === "RUNNING");
  if (open.some(({ record }) => record.attempts > 0)) return refuse("An approved change is already being carried out.");
  return { kind: "cancel", jobs: alive(jobs), effects: open };
}

export function decidePause<Job extends CommandedJob>(
  status: IssueStatus,
  jobs: readonly Job[],
): JobsDecision<"pause", Job> {
  const living = alive(jobs);
  const pausable = living.filter((job) => job.record.status !== "PAUSED" && job.signal !== "pause");
  if (pausable.length > 0) return { kind: "pause", jobs: pausable };
  if (living.some(isPausedByOperator)) return { kind: "repeat" };
  return refuse(
    living.length > 0 ? "The issue waits for an answer already." : `Nothing is left to pause: the issue is ${status}.`,
  );
}

export function decideResume<Job extends CommandedJob>(
  status: IssueStatus,
  jobs: readonly Job[],
): JobsDecision<"resume", Job> {
  const living = alive(jobs);
  const paused = living.filter(isPausedByOperator);
  if (paused.length > 0) return { kind: "resume", jobs: paused };
  if (living.some(({ record }) => record.status !== "PAUSED")) return { kind: "repeat" };
  return refuse(
    living.length > 0
      ? "The issue waits for an answer; answering it is what resumes it."
      : `Nothing is left to resume: the issue is ${status}.`,
  );
}

/** What has failed or was cancelled and nothing has taken up yet is done again, each of it once. */
export function decideRetry<Job extends CommandedJob, Effect extends CommandedEffect>(
  status: IssueStatus,
  jobs: readonly Job[],
  effects: readonly Effect[],
): RetryDecision<Job, Effect> {
  const takenUp = new Set([
    ...jobs.map(({ record }) => record.retryOf),
    ...effects.map(({ record }) => record.redriveOf),
  ]);
  const isOver = ({ record }: CommandedJob | CommandedEffect): boolean =>
    record.status === "FAILED" || record.status === "CANCELLED";
  const again = {
    jobs: jobs.filter((job) => isOver(job) && !takenUp.has(job.record.id)),
    effects: effects.filter((effect) => isOver(effect) && !takenUp.has(effect.record.id)),
  };
  const isEnded = status === "FAILED" || status === "CANCELLED";
  if (isEnded && again.jobs.length + again.effects.length > 0) return { kind: "retry", ...again };
  if ([...jobs, ...effects].some((part) => isOver(part) && takenUp.has(part.record.id))) return { kind: "repeat" };
  return refuse(`Nothing of the issue can be done again: it is ${status}.`);
}
