/** In which order an organization's jobs start, how many slots it wants, and why one of them waits. */
import type { BlockingLimit } from "../../contracts/organization-rpc.ts";
import type { JobRecord } from "../../contracts/records.ts";
import type { JobState } from "./job-state.ts";

/** Waiting this long is worth one step of numeric priority, so that no job waits for ever behind more urgent ones. */
const ageingStepMs = 10 * 60_000;

/** Jobs start in ascending order of this key (then id). Ageing is in it, so that it never has to be computed again. */
export function queueKey(job: Pick<JobRecord, "priority" | "createdAtMs">): number {
  return job.createdAtMs + job.priority * ageingStepMs;
}

/** The jobs that could start now if slots were granted. */
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

/** How many more slots the organization may and can use. */
export function demandOf(waiting: WaitingJobs, heldSlots: number, concurrencyLimit: number): Demand {
  const demand = Math.max(0, Math.min(waiting.count, concurrencyLimit - heldSlots));
  if (demand === 0) return { demand, headPriority: null, oldestAtMs: null };
  return { demand, headPriority: waiting.headPriority, oldestAtMs: waiting.oldestAtMs };
}

/** Why nothing of an issue runs; null when something does, or nothing waits. */
export function blockingLimitOf(
  jobs: readonly (Pick<JobState, "slot" | "readyAtMs"> & { readonly record: Pick<JobRecord, "status"> })[],
  organization: { readonly heldSlots: number; readonly concurrencyLimit: number; readonly nowMs: number },
): BlockingLimit {
  if (jobs.some(({ record }) => record.status === "RUNNING")) return null;
  const pending = jobs.filter(({ record }) => record.status === "PENDING");
  const waiting = pending.filter(({ readyAtMs, slot }) => slot === null && readyAtMs <= organization.nowMs);
  if (waiting.length > 0) {
    return organization.heldSlots >= organization.concurrencyLimit ? "organization_concurrency" : "global_concurrency";
  }
  return pending.some(({ readyAtMs }) => readyAtMs > organization.nowMs) ? "retry_delay" : null;
}
