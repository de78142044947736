/** The waiting calls of running slices. They live in memory only: an object that was away has none. */
import type { ControlSignal } from "../../contracts/organization-rpc.ts";

interface Waiter {
  readonly epoch: number;
  readonly answer: (signal: ControlSignal) => void;
}

export class ControlDesk {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #isHeld: (jobId: string, epoch: number) => boolean;

  /** `isHeld` says whether an epoch still holds a job. */
  constructor(isHeld: (jobId: string, epoch: number) => boolean) {
    this.#isHeld = isHeld;
  }

  /** Answers `stale` as soon as the epoch no longer holds the job, and `none` when the poll's time is over. */
  async wait(jobId: string, epoch: number, pollMs: number): Promise<ControlSignal> {
    if (!this.#isHeld(jobId, epoch)) return { kind: "stale" };
    const { promise, resolve } = Promise.withResolvers<ControlSignal>();
    const waiter: Waiter = { epoch, answer: resolve };
    const ofJob = this.#waiters.get(jobId) ?? new Set();
    this.#waiters.set(jobId, ofJob.add(waiter));
    const timer = setTimeout(() => resolve({ kind: "none" }), pollMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      ofJob.delete(waiter);
      if (ofJob.size === 0 && this.#waiters.get(jobId) === ofJob) this.#waiters.delete(jobId);
    }
  }

  /** Answers the calls of slices that have just lost one of these jobs. */
  notify(jobIds: Iterable<string>): void {
    for (const jobId of jobIds) {
      for (const waiter of this.#waiters.get(jobId) ?? []) {
        if (!this.#isHeld(jobId, waiter.epoch)) waiter.answer({ kind: "stale" });
      }
    }
  }
}
