/** The source of time; objects and loops take it as a port so that tests can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** ISO 8601 text of an epoch time, as the HTTP API shows it. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
