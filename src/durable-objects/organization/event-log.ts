/** The organization's numbered events. */
import type { EventCursor, NewEvent, OrganizationEvent } from "../../contracts/events.ts";
import type { EventPage } from "../../contracts/organization-rpc.ts";
import { boundLimit } from "../bound-limit.ts";
import type { Remembered, StorageMemory, StoredValue, TransactionRows } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";

const incarnationKey = "incarnation";
const prunedSeqKey = "prunedSeq";
/** A page stays far below the largest RPC answer. */
const pageMaxCharacters = 4_000_000;

export type EventText = { seq: number; event: string };

export interface EventRange {
  readonly afterSeq: number;
  readonly throughSeq: number;
  readonly issueId: string | null;
  readonly createdByIds: readonly string[] | null;
}

/** Rows of one INSERT: three values each, and a statement takes a hundred. */
const insertedAtOnce = 32;

/** Appended events wait for the end of their transaction, and are written together. */
class UnwrittenEvents implements TransactionRows {
  readonly #sql: SqlStorage;
  readonly #memory: StorageMemory;
  #events: OrganizationEvent[] = [];

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    this.#memory = memory;
    memory.keepRows(this);
  }

  add(event: OrganizationEvent): void {
    this.#events.push(event);
    this.#memory.defer(this);
  }

  flush(): void {
    const events = this.#events;
    this.#events = [];
    for (let from = 0; from < events.length; from += insertedAtOnce) {
      const part = events.slice(from, from + insertedAtOnce);
      const marks = part.map(() => "(?, ?, ?)").join(", ");
      const values = part.flatMap((event) => [event.seq, event.issueId, JSON.stringify(event)]);
      this.#sql.exec(`INSERT INTO events (seq, issue_id, event) VALUES ${marks}`, ...values);
    }
  }

  forget(): void {
    this.#events = [];
  }
}

export class EventLog {
  readonly incarnation: string;
  readonly #sql: Pick<SqlStorage, "exec">;
  readonly #unwritten: UnwrittenEvents;
  readonly #prunedSeq: StoredValue<number>;
  readonly #lastSeq: Remembered<number>;

  /** A storage without a log begins the incarnation that is given. */
  constructor(storage: Pick<DurableObjectStorage, "sql" | "kv">, memory: StorageMemory, newIncarnation: string) {
    const { sql } = memory;
    this.#sql = sql;
    this.#unwritten = new UnwrittenEvents(storage.sql, memory);
    this.#prunedSeq = memory.stored(prunedSeqKey);
    this.#lastSeq = memory.remember(
      () => sql.exec<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM events").one().seq ?? this.prunedSeq(),
    );
    const stored = storage.kv.get<string>(incarnationKey);
    this.incarnation = stored ?? newIncarnation;
    if (stored === undefined) storage.kv.put(incarnationKey, this.incarnation);
  }

  /** Number of the last event; 0 before the first. Pruning does not change it. */
  lastSeq(): number {
    return this.#lastSeq.get();
  }

  /** Number of the last event that is kept no longer; 0 while all are. */
  prunedSeq(): number {
    return this.#prunedSeq.get() ?? 0;
  }

  /** Deletes the oldest events, up to the number `throughSeq` and at most `limit` of them. */
  prune(throughSeq: number, limit: number): void {
    const prunedSeq = this.prunedSeq();
    const seq = Math.min(throughSeq, prunedSeq + limit, this.lastSeq());
    if (seq <= prunedSeq) return;
    this.#sql.exec("DELETE FROM events WHERE seq <= ?", seq);
    this.#prunedSeq.put(seq);
  }

  /**
   * Stored events as text, in order, from `afterSeq` (excluded) to `throughSeq`: of one issue when `issueId` is given, of the
   * issues that some users submitted when `createdByIds` is. The rows must be read before anything else is done.
   */
  texts({ afterSeq, throughSeq, issueId, createdByIds }: EventRange): Iterable<EventText> {
    if (issueId !== null) {
      return this.#sql.exec<EventText>(
        "SELECT seq, event FROM events WHERE issue_id = ? AND seq > ? AND seq <= ? ORDER BY seq",
        issueId,
        afterSeq,
        throughSeq,
      );
    }
    if (createdByIds === null) {
      return this.#sql.exec<EventText>(
        "SELECT seq, event FROM events WHERE seq > ? AND seq <= ? ORDER BY seq",
        afterSeq,
        throughSeq,
      );
    }
    // CROSS JOIN keeps the log as the outer table, so that its rows come in order without a sort.
    return this.#sql.exec<EventText>(
      `SELECT seq, event FROM events CROSS JOIN issues ON issues.id = events.issue_id
       WHERE seq > ? AND seq <= ? AND created_by_id IN (SELECT value FROM json_each(?)) ORDER BY seq`,
      afterSeq,
      throughSeq,
      JSON.stringify(createdByIds),
    );
  }

  append(event: NewEvent, nowMs: number): OrganizationEvent {
    const numbered: OrganizationEvent = { ...event, seq: this.lastSeq() + 1, atMs: nowMs };
    this.#unwritten.add(numbered);
    this.#lastSeq.set(numbered.seq);
    return numbered;
  }

  /** Events after `seq` in order, at most `limit` and a bounded number of characters, but at least one if there is any. */
  after(seq: number, limit: number, issueId: string | null = null): readonly OrganizationEvent[] {
    const rows = this.#sql.exec<{ event: string }>(
      `SELECT event FROM events WHERE seq > ? AND (? IS NULL OR issue_id = ?) ORDER BY seq ${boundLimit}`,
      seq,
      issueId,
      issueId,
      limit,
    );
    const events: OrganizationEvent[] = [];
    let characters = 0;
    for (const { event } of rows) {
      characters += event.length;
      if (events.length > 0 && characters > pageMaxCharacters) break;
      events.push(fromStoredJson<OrganizationEvent>(event));
    }
    return events;
  }

  /** A page for the projection; a cursor of another incarnation reads from the start. */
  page(after: EventCursor | null, limit: number): EventPage {
    const seq = after?.incarnation === this.incarnation ? after.seq : 0;
    return { incarnation: this.incarnation, lastSeq: this.lastSeq(), events: this.after(seq, limit) };
  }
}
