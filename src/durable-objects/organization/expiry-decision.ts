/** What becomes of a job at the time after which its issue is no longer wanted. */
import type { JobRecord } from "../../contracts/records.ts";
import type { JobState } from "./job-state.ts";

export type ExpiryDecision =
  | { readonly kind: "keep" }
  | { readonly kind: "end"; readonly status: "FAILED"; readonly reason: "provider_unavailable" }
  | { readonly kind: "end"; readonly status: "CANCELLED"; readonly reason: "expired" };

/**
 * Ends a job that waits at that time, or comes to wait again after it. Work that runs goes on, and so does what follows from
 * it: its jobs were made later. One that waits for a provider fails for want of it.
 */
export function decideExpiry(
  job: Pick<JobState, "transientSinceMs"> & { readonly record: Pick<JobRecord, "status" | "createdAtMs"> },
  expiresAtMs: number | null,
  nowMs: number,
): ExpiryDecision {
  const { status, createdAtMs } = job.record;
  const isOver = expiresAtMs !== null && expiresAtMs <= nowMs && createdAtMs < expiresAtMs;
  if (!isOver || status !== "PENDING") return { kind: "keep" };
  return job.transientSinceMs === null
    ? { kind: "end", status: "CANCELLED", reason: "expired" }
    : { kind: "end", status: "FAILED", reason: "provider_unavailable" };
}
