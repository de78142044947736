/** One transaction of an object: what is written together, and what leaves only after it is. */
import { describeError } from "../core/errors.ts";
import { type IdKind, increasingUlids, newId, type UlidMaker } from "../core/ids.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import type { ObjectPorts } from "./object-ports.ts";
import type { StorageMemory } from "./storage-memory.ts";

/** What a part may use while it changes the object's state. */
export interface Transaction {
  readonly nowMs: number;
  readonly deadlines: Deadlines;
  /** A new id of the transaction's time, which sorts after those that this instance made before. */
  readonly newId: (kind: IdKind) => string;
  /** Runs once the transaction is stored; its failure is logged, and a deadline must repeat what it was to do. */
  afterCommit(name: string, task: () => Promise<unknown>): void;
}

interface TransactionOptions {
  readonly context: DurableObjectState;
  readonly ports: ObjectPorts;
  /** Wait before a deadline whose handling threw is handled again. */
  readonly faultDelayMs: number;
  /** What is remembered of the storage that the transactions change. */
  readonly memory: StorageMemory;
}

interface PendingTask {
  readonly name: string;
  readonly task: () => Promise<unknown>;
}

/** Runs transactions, arms the alarm for the earliest deadline, and lets tasks leave after the commit. */
export class Transactions {
  readonly #options: TransactionOptions;
  readonly #deadlines: Deadlines;
  readonly #ulidAt: UlidMaker;
  /** The alarm as last set by this instance; undefined when it is not known. */
  #armedAtMs: number | null | undefined;

  constructor(options: TransactionOptions) {
    this.#options = options;
    this.#ulidAt = increasingUlids(options.ports.random);
    this.#deadlines = new Deadlines(options.context.storage.sql, options.memory);
  }

  /** Runs `work` as one synchronous transaction: everything that it writes is stored, or nothing when it throws. */
  run<Result>(work: (transaction: Transaction) => Result): Result {
    const { context, ports } = this.#options;
    const tasks: PendingTask[] = [];
    const nowMs = ports.clock.nowMs();
    const result = this.#store(() =>
      work({
        nowMs,
        deadlines: this.#deadlines,
        newId: (kind) => newId(kind, nowMs, this.#ulidAt),
        afterCommit: (name, task) => tasks.push({ name, task }),
      }),
    );
    this.#arm();
    for (const { name, task } of tasks) context.waitUntil(this.#attempt(name, task));
    return result;
  }

  /**
   * Calls `handle` for every deadline that is due; it must clear or move the deadline in a transaction of its own. One
   * whose handling throws is handled again later and stops no other.
   */
  handleDue(handle: (deadline: Deadline) => void): void {
    const { ports, faultDelayMs } = this.#options;
    this.#armedAtMs = undefined;
    const nowMs = ports.clock.nowMs();
    for (const { name } of this.#deadlines.due(nowMs)) {
      const deadline = this.#deadlines.get(name);
      if (deadline === null || deadline.dueAtMs > nowMs) continue;
      try {
        handle(deadline);
      } catch (error) {
        ports.logger.error("deadline.failed", { deadline: name, error: describeError(error) });
        this.#deadlines.set(name, nowMs + faultDelayMs, deadline.tries);
      }
    }
    this.#arm();
  }

  #store<Result>(work: () => Result): Result {
    const { context, memory } = this.#options;
    try {
      return context.storage.transactionSync(() => memory.within(work));
    } catch (error) {
      memory.forget();
      throw error;
    }
  }

  #arm(): void {
    const { context } = this.#options;
    if (!this.#deadlines.takeChanged() && this.#armedAtMs !== undefined) return;
    const dueAtMs = this.#deadlines.nextDueAtMs();
    if (dueAtMs === this.#armedAtMs) return;
    this.#armedAtMs = dueAtMs;
    const arm = (): Promise<void> =>
      dueAtMs === null ? context.storage.deleteAlarm() : context.storage.setAlarm(dueAtMs);
    context.waitUntil(this.#attempt("alarm", arm));
  }

  async #attempt(name: string, task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#options.ports.logger.warn("task.failed", { task: name, error: describeError(error) });
    }
  }
}
