/** In which order an organization's jobs start, how many slots it wants, and why one of them waits. */
import type { BlockingLimit } from "../../contracts/organization-rpc.ts";
import type { JobRecord } from "../../contracts/records.ts";
import { numericPriority } from "../../contracts/status.ts";
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

/** Why nothing of an issue runs; null when something does, or nothing waits. */
export function blockingLimitOf(
  jobs: readonly (Pick<JobState, "slot" | "readyAtMs"> & { readonly record: Pick<JobRecord, "status"> })[],
  organization: {
    readonly heldSlots: number;
    readonly concurrencyLimit: number;
    readonly isBudgetExhausted: boolean;
    readonly nowMs: number;
  },
): BlockingLimit {
  if (jobs.some(({ record }) => record.status === "RUNNING")) return null;
  const pending = jobs.filter(({ record }) => record.status === "PENDING");
  const waiting = pending.filter(({ readyAtMs, slot }) => slot === null && readyAtMs <= organization.nowMs);
  if (waiting.length > 0) {
    if (organization.isBudgetExhausted) return "budget";
    return organization.heldSlots >= organization.concurrencyLimit ? "organization_concurrency" : "global_concurrency";
  }
  return pending.some(({ readyAtMs }) => readyAtMs > organization.nowMs) ? "retry_delay" : null;
}
