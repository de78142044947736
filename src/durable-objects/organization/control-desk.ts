/** The waiting calls of running slices. They live in memory only: an object that was away has none. */
import type { ControlQuery, ControlSignal } from "../../contracts/organization-rpc.ts";

type SignalKind = ControlSignal["kind"];

interface Waiter {
  readonly query: ControlQuery;
  readonly answer: () => void;
}

export class ControlDesk {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #signalFor: (jobId: string, epoch: number) => SignalKind;

  /** `signalFor` says what the slice of an epoch is told now. */
  constructor(signalFor: (jobId: string, epoch: number) => SignalKind) {
    this.#signalFor = signalFor;
  }

  /** Answers what the slice is told as soon as that is not what it knows, and in any case when the poll's time is over. */
  async wait(query: ControlQuery, pollMs: number): Promise<ControlSignal> {
    if (this.#isNews(query)) return this.#signal(query);
    const { jobId } = query;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { query, answer: resolve };
    const ofJob = this.#waiters.get(jobId) ?? new Set();
    this.#waiters.set(jobId, ofJob.add(waiter));
    const timer = setTimeout(resolve, pollMs);
    try {
      await promise;
      return this.#signal(query);
    } finally {
      clearTimeout(timer);
      ofJob.delete(waiter);
      if (ofJob.size === 0 && this.#waiters.get(jobId) === ofJob) this.#waiters.delete(jobId);
    }
  }

  /** Answers the calls of slices for which something has changed. */
  notify(jobIds: Iterable<string>): void {
    for (const jobId of jobIds) {
      for (const waiter of this.#waiters.get(jobId) ?? []) {
        if (this.#isNews(waiter.query)) waiter.answer();
      }
    }
  }

  #isNews(query: ControlQuery): boolean {
    return this.#signal(query).kind !== query.known;
  }

  #signal({ jobId, epoch }: ControlQuery): ControlSignal {
    return { kind: this.#signalFor(jobId, epoch) };
  }
}
