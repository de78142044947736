/** Runs work at once when it is asked for, and then at most once per interval, however often it is asked for. */
import type { Clock } from "../../core/clock.ts";
import type { SetTimer } from "../object-ports.ts";

export interface PacerOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly setTimer: SetTimer;
  readonly run: () => void;
}

export class Pacer {
  readonly #options: PacerOptions;
  #isScheduled = false;
  #lastRunMs: number | null = null;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  request(): void {
    if (this.#isScheduled) return;
    const waitMs = this.#waitMs();
    if (waitMs <= 0) {
      this.#run();
      return;
    }
    this.#isScheduled = true;
    this.#options.setTimer(waitMs, () => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    this.#lastRunMs = this.#options.clock.nowMs();
    this.#options.run();
  }

  /** Never longer than the interval: a clock may jump back. */
  #waitMs(): number {
    const { clock, intervalMs } = this.#options;
    if (this.#lastRunMs === null) return 0;
    return Math.min(intervalMs, this.#lastRunMs + intervalMs - clock.nowMs());
  }
}
