/** The platform's numbered events: the newest of them are kept, so that a watcher who was away can go on. */
import type { NewPlatformEvent, PlatformEvent } from "../../contracts/platform-events.ts";
import { increasingUlids, newId } from "../../core/ids.ts";
import type { ObjectPorts } from "../object-ports.ts";
import type { Transaction } from "../transactions.ts";

const incarnationKey = "incarnation";
const keptEvents = 10_000;

type PlatformEventText = { seq: number; event: string };

export interface PlatformLogParts {
  readonly storage: DurableObjectStorage;
  readonly ports: Pick<ObjectPorts, "clock" | "random">;
  /** Runs after the commit of a transaction that has appended something. */
  readonly onAppended: () => void;
}

export class PlatformLog {
  readonly incarnation: string;
  readonly #sql: SqlStorage;
  readonly #onAppended: () => void;
  /** Transactions after whose commit `onAppended` will run. */
  readonly #announced = new WeakSet<Transaction>();

  /** A storage without a log begins a new incarnation. */
  constructor({ storage, ports, onAppended }: PlatformLogParts) {
    this.#sql = storage.sql;
    this.#onAppended = onAppended;
    const stored = storage.kv.get<string>(incarnationKey);
    this.incarnation = stored ?? newId("incarnation", ports.clock.nowMs(), increasingUlids(ports.random));
    if (stored === undefined) storage.kv.put(incarnationKey, this.incarnation);
  }

  append(transaction: Transaction, event: NewPlatformEvent): void {
    const numbered: PlatformEvent = { ...event, seq: this.lastSeq() + 1, atMs: transaction.nowMs };
    this.#sql.exec("INSERT INTO platform_events (seq, event) VALUES (?, ?)", numbered.seq, JSON.stringify(numbered));
    this.#sql.exec("DELETE FROM platform_events WHERE seq <= ?", numbered.seq - keptEvents);
    if (this.#announced.has(transaction)) return;
    this.#announced.add(transaction);
    transaction.afterCommit("publish", () => {
      this.#onAppended();
      return Promise.resolve();
    });
  }

  /** Numbers of the first and the last event kept; 1 and 0 before the first. */
  range(): { readonly firstSeq: number; readonly lastSeq: number } {
    const { first, last } = this.#sql
      .exec<{ first: number | null; last: number | null }>(
        "SELECT MIN(seq) AS first, MAX(seq) AS last FROM platform_events",
      )
      .one();
    return { firstSeq: first ?? 1, lastSeq: last ?? 0 };
  }

  lastSeq(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM platform_events").one().seq ?? 0;
  }

  /** Stored events as text after `seq`, in order. The rows must be read before anything else is done. */
  texts(seq: number): Iterable<PlatformEventText> {
    return this.#sql.exec<PlatformEventText>("SELECT seq, event FROM platform_events WHERE seq > ? ORDER BY seq", seq);
  }
}
