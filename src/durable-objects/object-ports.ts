/** What an object takes from outside besides its storage and bindings; tests and the simulator bring their own. */
import { type Clock, systemClock } from "../core/clock.ts";
import { createLogger, type Logger } from "../core/log.ts";
import { type Random, systemRandom } from "../core/random.ts";

export interface ObjectPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export const systemPorts: ObjectPorts = { clock: systemClock, random: systemRandom, logger: createLogger() };
