/** What an object takes from outside besides its storage and bindings; tests and the simulator bring their own. */
import { type Clock, systemClock } from "../core/clock.ts";
import { createLogger, type Logger } from "../core/log.ts";
import { type Random, systemRandom } from "../core/random.ts";

/** Calls `run` once, after so many milliseconds; forgotten when the object's memory is. */
export type SetTimer = (delayMs: number, run: () => void) => void;

export interface ObjectPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly setTimer: SetTimer;
}

export const systemPorts: ObjectPorts = {
  clock: systemClock,
  random: systemRandom,
  logger: createLogger(),
  setTimer: (delayMs, run) => {
    setTimeout(run, delayMs);
  },
};
