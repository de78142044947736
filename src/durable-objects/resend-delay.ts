import type { Timings } from "../contracts/timings.ts";

export interface ResendLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Wait before the next try, doubling from `firstMs` up to `maxMs`. */
export function resendDelayMs(tries: number, limits: ResendLimits): number {
  return Math.min(limits.firstMs * 2 ** Math.min(tries, 30), limits.maxMs);
}

/** Limits of what the objects send each other until it is answered. */
export function objectResends({ objectResendAfterMs, objectResendMaxMs }: Timings): ResendLimits {
  return { firstMs: objectResendAfterMs, maxMs: objectResendMaxMs };
}
