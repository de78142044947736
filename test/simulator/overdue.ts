/** A state that must not last: noted whenever it may have changed, and looked at again when its time is over. */

/** A second, and what clocks may differ and an alarm may be late. */
export const patienceMs = 1_000 + 350;

export interface OverdueOptions {
  readonly nowMs: () => number;
  /** Has a task run later; answering false it lets nothing go on. */
  readonly after: (delayMs: number, task: () => false) => void;
  /** Looks again whether it is so, and notes it. */
  readonly look: () => void;
  /** Tells that it has lasted too long. */
  readonly report: (lastedMs: number) => void;
}

export class Overdue {
  readonly #options: OverdueOptions;
  #sinceMs: number | null = null;
  #isLookDue = false;

  constructor(options: OverdueOptions) {
    this.#options = options;
  }

  /** Notes whether it is so now. */
  note(isSo: boolean): void {
    if (!isSo) {
      this.#sinceMs = null;
      return;
    }
    const { nowMs, after, look, report } = this.#options;
    this.#sinceMs ??= nowMs();
    const lastedMs = nowMs() - this.#sinceMs;
    if (lastedMs > patienceMs) report(lastedMs);
    else if (!this.#isLookDue) {
      this.#isLookDue = true;
      after(patienceMs + 1 - lastedMs, () => {
        this.#isLookDue = false;
        look();
        return false;
      });
    }
  }

  /** Its time begins anew: something was done about it, or nobody could do anything until now. */
  restart(): void {
    if (this.#sinceMs !== null) this.#sinceMs = this.#options.nowMs();
  }
}

/** By how much more than may be something came too late that was due: while there are faults nothing is too late. */
export function lateness(dueMs: number, atMs: number, faultsStoppedAtMs: number | null): number {
  return faultsStoppedAtMs === null ? 0 : Math.max(0, atMs - Math.max(dueMs, faultsStoppedAtMs) - patienceMs);
}
