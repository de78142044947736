/** Tickets for live sockets that were used: each opens one socket. */

/** How long a ticket is remembered after its end, for clocks that disagree. */
const graceMs = 60_000;

export const usedTicketsMigration = `
  CREATE TABLE used_tickets (id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

export class UsedTickets {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Uses a ticket up; false when it was used before. Those that no one would accept any more are forgotten. */
  use({ id, expiresAtMs }: { readonly id: string; readonly expiresAtMs: number }, nowMs: number): boolean {
    this.#sql.exec("DELETE FROM used_tickets WHERE expires_at_ms <= ?", nowMs - graceMs);
    return (
      this.#sql.exec("INSERT OR IGNORE INTO used_tickets (id, expires_at_ms) VALUES (?, ?)", id, expiresAtMs)
        .rowsWritten > 0
    );
  }
}
