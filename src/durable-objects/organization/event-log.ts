/** The organization's numbered events. */
import type { EventCursor, NewEvent, OrganizationEvent } from "../../contracts/events.ts";
import type { EventPage } from "../../contracts/organization-rpc.ts";
import { fromStoredJson } from "../stored-json.ts";

const incarnationKey = "incarnation";
/** A page stays far below the largest RPC answer. */
const pageMaxCharacters = 4_000_000;

export class EventLog {
  readonly incarnation: string;
  readonly #sql: SqlStorage;

  /** A storage without a log begins the incarnation that is given. */
  constructor(storage: DurableObjectStorage, newIncarnation: string) {
    this.#sql = storage.sql;
    const stored = storage.kv.get<string>(incarnationKey);
    this.incarnation = stored ?? newIncarnation;
    if (stored === undefined) storage.kv.put(incarnationKey, this.incarnation);
  }

  /** Number of the last event; 0 before the first. */
  lastSeq(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM events").one().seq ?? 0;
  }

  append(event: NewEvent, nowMs: number): OrganizationEvent {
    const numbered: OrganizationEvent = { ...event, seq: this.lastSeq() + 1, atMs: nowMs };
    this.#sql.exec(
      "INSERT INTO events (seq, issue_id, event) VALUES (?, ?, ?)",
      numbered.seq,
      numbered.issueId,
      JSON.stringify(numbered),
    );
    return numbered;
  }

  /** Events after `seq` in order, at most `limit` and a bounded number of characters, but at least one if there is any. */
  after(seq: number, limit: number, issueId: string | null = null): readonly OrganizationEvent[] {
    const rows = this.#sql.exec<{ event: string }>(
      "SELECT event FROM events WHERE seq > ? AND (? IS NULL OR issue_id = ?) ORDER BY seq LIMIT ?",
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
