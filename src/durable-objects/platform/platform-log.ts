/** The platform's numbered events: the newest of them are kept, so that a watcher who was away can go on. */
import type { NewPlatformEvent, PlatformEvent } from "../../contracts/platform-events.ts";
import { newId } from "../../core/ids.ts";
import { boundLimit } from "../bound-limit.ts";
import type { ObjectPorts } from "../object-ports.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { Transaction } from "../transactions.ts";

const incarnationKey = "incarnation";
const keptEvents = 10_000;

export interface PlatformLogParts {
  readonly storage: DurableObjectStorage;
  readonly ports: Pick<ObjectPorts, "clock" | "random">;
  /** Runs after the commit, with the events of one transaction in order. */
  readonly publish: (events: readonly PlatformEvent[]) => void;
}

export class PlatformLog {
  readonly incarnation: string;
  readonly #sql: SqlStorage;
  readonly #publish: PlatformLogParts["publish"];
  readonly #unpublished = new WeakMap<Transaction, PlatformEvent[]>();

  /** A storage without a log begins a new incarnation. */
  constructor({ storage, ports, publish }: PlatformLogParts) {
    this.#sql = storage.sql;
    this.#publish = publish;
    const stored = storage.kv.get<string>(incarnationKey);
    this.incarnation = stored ?? newId("incarnation", ports.clock.nowMs(), ports.random);
    if (stored === undefined) storage.kv.put(incarnationKey, this.incarnation);
  }

  append(transaction: Transaction, event: NewPlatformEvent): void {
    const numbered: PlatformEvent = { ...event, seq: this.lastSeq() + 1, atMs: transaction.nowMs };
    this.#sql.exec("INSERT INTO platform_events (seq, event) VALUES (?, ?)", numbered.seq, JSON.stringify(numbered));
    this.#sql.exec("DELETE FROM platform_events WHERE seq <= ?", numbered.seq - keptEvents);
    const earlier = this.#unpublished.get(transaction);
    if (earlier !== undefined) {
      earlier.push(numbered);
      return;
    }
    const events = [numbered];
    this.#unpublished.set(transaction, events);
    transaction.afterCommit("publish", () => {
      this.#publish(events);
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

  /** Events after `seq` in order, at most `limit`. */
  after(seq: number, limit: number): readonly PlatformEvent[] {
    return this.#sql
      .exec<{ event: string }>(`SELECT event FROM platform_events WHERE seq > ? ORDER BY seq ${boundLimit}`, seq, limit)
      .toArray()
      .map(({ event }) => fromStoredJson<PlatformEvent>(event));
  }
}
