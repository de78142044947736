/** What becomes of a job that has waited as long as it may. */
import type { JobRecord } from "../../contracts/records.ts";
import type { JobState } from "./job-state.ts";
import { transientLimitMs } from "./retry.ts";

export type ExpiryDecision =
  | { readonly kind: "keep" }
  | { readonly kind: "end"; readonly status: "FAILED"; readonly reason: "provider_unavailable" }
  | { readonly kind: "end"; readonly status: "CANCELLED"; readonly reason: "expired" };

/**
 * Ends a job that waits when its issue is no longer wanted, or comes to wait again after that. Work that runs goes on, and
 * so does what follows from it: its jobs were made later. One that waits for a provider fails for want of it, then or when
 * the provider has been out of reach for a day, whether it was its turn to try again or not.
 */
export function decideExpiry(
  job: Pick<JobState, "transientSinceMs"> & { readonly record: Pick<JobRecord, "status" | "createdAtMs"> },
  expiresAtMs: number | null,
  nowMs: number,
): ExpiryDecision {
  const { transientSinceMs } = job;
  const { status, createdAtMs } = job.record;
  if (status !== "PENDING") return { kind: "keep" };
  const isUnwanted = expiresAtMs !== null && expiresAtMs <= nowMs && createdAtMs < expiresAtMs;
  if (transientSinceMs === null) {
    return isUnwanted ? { kind: "end", status: "CANCELLED", reason: "expired" } : { kind: "keep" };
  }
  const isGivenUp = isUnwanted || nowMs - transientSinceMs >= transientLimitMs;
  return isGivenUp ? { kind: "end", status: "FAILED", reason: "provider_unavailable" } : { kind: "keep" };
}
