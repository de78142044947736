/** In which order an organization's jobs start, how many slots it wants, and why one of them waits. */
import type { JobRecord } from "../../contracts/records.ts";
import { type BlockingLimit, numericPriority } from "../../contracts/status.ts";
import type { JobState } from "./job-state.ts";

/** Waiting this long is worth one step of numeric priority, so that no job waits for ever behind more urgent ones. */
const ageingStepMs = 10 * 60_000;

/**
 * How long after a job of this priority another may still come and start before it: whatever comes later, however urgent,
 * starts after it. 90 minutes for LOW.
 */
export function overtakingBoundMs(priority: number): number {
  return (priority - numericPriority.CRITICAL) * ageingStepMs;
}

/** Jobs start in ascending order of this key (then id). Ageing is in it, so that it never has to be computed again. */
export function queueKey(job: Pick<JobRecord, "priority" | "createdAtMs">): number {
  return job.createdAtMs + job.priority * ageingStepMs;
}

/** Jobs that could start now if slots were granted. */
export interface WaitingJobs {
  readonly count: number;
  readonly headPriority: number | null;
  readonly oldestAtMs: number | null;
}

export interface Demand {
  readonly demand: number;
  readonly headPriority: number | null;
  readonly oldestAtMs: number | null;
}

/** How many more slots the organization may use. It holds too many after its limit was lowered: they end by themselves. */
export function freeCapacity(heldSlots: number, concurrencyLimit: number): number {
  return Math.max(0, concurrencyLimit - heldSlots);
}

/** What the organization wants: a slot for each job that could start now within its free capacity. */
export function demandOf(startable: WaitingJobs): Demand {
  const { count: demand, headPriority, oldestAtMs } = startable;
  return { demand, headPriority, oldestAtMs };
}

/** What holds a job up whatever slots are free: a switch, a provider out of reach, or a budget that is used up. */
export type Hold = "switch" | "provider_back_off" | "budget";

/** What the organization knows of an issue that waits. */
export interface WaitingFacts {
  readonly nowMs: number;
  readonly notBeforeMs: number | null;
  readonly holdOf: (record: JobRecord) => Hold | null;
  /** Whether another issue comes first under the concurrency key. */
  readonly isBehindKey: (job: JobState) => boolean;
  /** Whether the organization could use a slot for this job if it were granted one now. */
  readonly isWithinCapacity: (job: JobState) => boolean;
}

/** Why nothing of an issue runs; null when something does, or nothing waits. */
export function blockingLimitOf(jobs: readonly JobState[], facts: WaitingFacts): BlockingLimit {
  const { nowMs, notBeforeMs } = facts;
  if (jobs.some(({ record }) => record.status === "RUNNING")) return null;
  const job = jobs.findLast(({ record }) => record.status === "PENDING");
  if (job === undefined || job.dispatch !== null) return null;
  if (job.readyAtMs > nowMs) return !job.everDispatched && job.readyAtMs === notBeforeMs ? "not_before" : "retry_delay";
  if (job.slot !== null) return null;
  const hold = facts.holdOf(job.record);
  if (hold !== null) return hold;
  if (facts.isBehindKey(job)) return "concurrency_key";
  return facts.isWithinCapacity(job) ? "global_concurrency" : "organization_concurrency";
}

/** What of this goes without saying: a job that was never dispatched waits for a slot, any other for nothing. */
export function impliedLimitOf(jobs: readonly JobState[]): BlockingLimit {
  if (jobs.some(({ record }) => record.status === "RUNNING")) return null;
  const isNew = jobs.some(({ record, everDispatched }) => record.status === "PENDING" && !everDispatched);
  return isNew ? "global_concurrency" : null;
}
