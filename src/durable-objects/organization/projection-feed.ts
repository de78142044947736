/** Has Postgres brought up to date: one hint on the queue at a time, sent again until it is heeded. */
import type { EventCursor } from "../../contracts/events.ts";
import type { RecordsMessage } from "../../contracts/queue-messages.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { resendDelayMs } from "../resend-delay.ts";
import type { StorageMemory, StoredValue } from "../storage-memory.ts";
import type { Transaction } from "../transactions.ts";
import type { EventLog } from "./event-log.ts";

const projectedSeqKey = "projectedSeq";
const hintOutstandingKey = "projectionHintOutstanding";
const deadlineName = "records";

export interface ProjectionFeedParts {
  readonly memory: StorageMemory;
  readonly log: EventLog;
  readonly organizationId: string;
  readonly timings: Timings;
  readonly send: (message: RecordsMessage) => Promise<unknown>;
  /** Hears how far Postgres has got. */
  readonly onProjected: (transaction: Transaction, seq: number) => void;
}

export class ProjectionFeed {
  readonly #parts: ProjectionFeedParts;
  readonly #projectedSeq: StoredValue<number>;
  readonly #isHintOutstanding: StoredValue<boolean>;

  constructor(parts: ProjectionFeedParts) {
    this.#parts = parts;
    this.#projectedSeq = parts.memory.stored(projectedSeqKey);
    this.#isHintOutstanding = parts.memory.stored(hintOutstandingKey);
  }

  /** Number of the last event that Postgres is known to hold. */
  projectedSeq(): number {
    return this.#projectedSeq.get() ?? 0;
  }

  /** Sends a hint when there is something to project and no hint is under way. */
  refresh(transaction: Transaction): void {
    if (this.#parts.log.lastSeq() <= this.projectedSeq() || this.#isHintOutstanding.get() === true) return;
    this.#send(transaction, 0);
  }

  /** A projection has begun to read: what is appended from now on needs a hint of its own. */
  noteRead(): void {
    this.#isHintOutstanding.put(false);
  }

  /** Takes how far Postgres has got; a cursor of another incarnation says nothing about this log. */
  confirm(transaction: Transaction, cursor: EventCursor): void {
    const { log } = this.#parts;
    if (cursor.incarnation !== log.incarnation) return;
    this.#projectedSeq.put(Math.max(this.projectedSeq(), Math.min(cursor.seq, log.lastSeq())));
    this.#parts.onProjected(transaction, this.projectedSeq());
    if (this.projectedSeq() < log.lastSeq()) {
      this.refresh(transaction);
      return;
    }
    this.#isHintOutstanding.put(false);
    transaction.deadlines.clear(deadlineName);
  }

  /** Sends the hint again. */
  resend(transaction: Transaction, deadline: Deadline): void {
    if (this.#parts.log.lastSeq() > this.projectedSeq()) this.#send(transaction, deadline.tries + 1);
  }

  #send(transaction: Transaction, tries: number): void {
    const { organizationId, timings, send } = this.#parts;
    this.#isHintOutstanding.put(true);
    const delayMs = resendDelayMs(tries, { firstMs: timings.resendAfterMs, maxMs: timings.resendMaxMs });
    transaction.deadlines.set(deadlineName, transaction.nowMs + delayMs, tries);
    transaction.afterCommit("send records", () => send({ v: 1, organizationId }));
  }
}
