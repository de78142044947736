/** The one alarm of an object, multiplexed over named deadlines that are persisted before the alarm is armed. */

export const deadlinesMigration = `
  CREATE TABLE deadlines (
    name TEXT PRIMARY KEY,
    due_at_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX deadlines_by_time ON deadlines (due_at_ms);
`;

export interface Deadline {
  /** `kind` or `kind:subject`. */
  readonly name: string;
  readonly dueAtMs: number;
  /** How often what it stands for was tried before. */
  readonly tries: number;
}

/** The part of a deadline's name before the first colon, and what follows it. */
export function parseDeadlineName(name: string): { readonly kind: string; readonly subject: string } {
  const colon = name.indexOf(":");
  return colon === -1 ? { kind: name, subject: "" } : { kind: name.slice(0, colon), subject: name.slice(colon + 1) };
}

type DeadlineRow = { name: string; due_at_ms: number; tries: number };

function deadlineOf(row: DeadlineRow): Deadline {
  return { name: row.name, dueAtMs: row.due_at_ms, tries: row.tries };
}

export class Deadlines {
  readonly #sql: SqlStorage;
  #hasChanged = true;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Sets or moves a deadline. */
  set(name: string, dueAtMs: number, tries = 0): void {
    this.#hasChanged = true;
    this.#sql.exec("INSERT OR REPLACE INTO deadlines (name, due_at_ms, tries) VALUES (?, ?, ?)", name, dueAtMs, tries);
  }

  clear(name: string): void {
    this.#hasChanged = true;
    this.#sql.exec("DELETE FROM deadlines WHERE name = ?", name);
  }

  get(name: string): Deadline | null {
    const row = this.#sql.exec<DeadlineRow>("SELECT * FROM deadlines WHERE name = ?", name).next().value;
    return row === undefined ? null : deadlineOf(row);
  }

  /** What is due, earliest first. */
  due(nowMs: number): readonly Deadline[] {
    return this.#sql
      .exec<DeadlineRow>("SELECT * FROM deadlines WHERE due_at_ms <= ? ORDER BY due_at_ms, name", nowMs)
      .toArray()
      .map(deadlineOf);
  }

  /** Whether the earliest may be another one than when this was asked last. */
  takeChanged(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  nextDueAtMs(): number | null {
    const row = this.#sql.exec<{ due: number | null }>("SELECT MIN(due_at_ms) AS due FROM deadlines").one();
    return row.due;
  }
}
