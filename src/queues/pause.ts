import { setTimeout as timer } from "node:timers/promises";

/** Waits; answers false at once when the signal ends the wait. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await timer(durationMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
