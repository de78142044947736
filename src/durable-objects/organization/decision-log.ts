/** The last things that people, and switches, decided about this organization's work. It follows the events. */
import type { AuditQuery, DecisionEntry } from "../../contracts/audit.ts";
import type { OrganizationEvent } from "../../contracts/events.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

const keptEntries = 5_000;

export const decisionsMigration = `
  CREATE TABLE decisions (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
`;

type NewDecision = Omit<DecisionEntry, "number">;

/** What an event says that somebody decided; null for all that only follows from it. */
function decisionIn(event: OrganizationEvent): NewDecision | null {
  const { atMs, issueId } = event;
  if (event.type === "issue.commanded") {
    const { command: outcome, actor, reason } = event.data;
    return { atMs, action: event.type, outcome, actor, reason, issueId, reviewId: null };
  }
  if (event.type !== "review.decided") return null;
  const { id: reviewId, status: outcome, decidedBy: actor, note: reason } = event.data.review;
  // A cancelled review follows from a command, and an expired one from time.
  if (actor === null || outcome === "CANCELLED") return null;
  return { atMs, action: event.type, outcome, actor, reason, issueId, reviewId };
}

function entryOf(number: number, decision: NewDecision): DecisionEntry {
  return { ...decision, number };
}

export class DecisionLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Takes note of what a change's events say that somebody decided. */
  follow(events: readonly OrganizationEvent[]): void {
    for (const event of events) {
      const decision = decisionIn(event);
      if (decision === null) continue;
      this.#sql.exec("INSERT INTO decisions (entry) VALUES (?)", JSON.stringify(decision));
      this.#sql.exec("DELETE FROM decisions WHERE number <= (SELECT MAX(number) FROM decisions) - ?", keptEntries);
    }
  }

  /** Newest first. */
  list({ before, limit }: AuditQuery): readonly DecisionEntry[] {
    return this.#sql
      .exec<{ number: number; entry: string }>(
        `SELECT number, entry FROM decisions WHERE number < ? ORDER BY number DESC ${boundLimit}`,
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray()
      .map(({ number, entry }) => entryOf(number, fromStoredJson<NewDecision>(entry)));
  }
}
