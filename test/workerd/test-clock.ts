/** The clock of the objects under test: real time, shifted by whatever a test has advanced. */
import type { Clock } from "../../src/core/clock.ts";

let shiftMs = 0;

export const testClock: Clock = { nowMs: () => Date.now() + shiftMs };

/** Moves the clock forward; due alarms run when the test runs them. */
export function advanceMs(byMs: number): void {
  shiftMs += byMs;
}
