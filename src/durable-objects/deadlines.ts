/** The one alarm of an object, multiplexed over named deadlines that are persisted before the alarm is armed. */
import type { StorageMemory } from "./storage-memory.ts";

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

/** Deadlines are remembered up to this number, so that those that every change asks for are. */
const rememberedDeadlines = 64;

export class Deadlines {
  readonly #sql: SqlStorage;
  readonly #known = new Map<string, Deadline | null>();
  #hasChanged = true;

  constructor(sql: SqlStorage, memory: Pick<StorageMemory, "keep">) {
    this.#sql = sql;
    memory.keep({ forget: () => this.#known.clear() });
  }

  /** Sets or moves a deadline. */
  set(name: string, dueAtMs: number, tries = 0): void {
    this.#hasChanged = true;
    this.#sql.exec("INSERT OR REPLACE INTO deadlines (name, due_at_ms, tries) VALUES (?, ?, ?)", name, dueAtMs, tries);
    this.#remember(name, { name, dueAtMs, tries });
  }

  clear(name: string): void {
    if (this.#known.get(name) === null) return;
    this.#hasChanged = true;
    this.#sql.exec("DELETE FROM deadlines WHERE name = ?", name);
    this.#remember(name, null);
  }

  get(name: string): Deadline | null {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const row = this.#sql.exec<DeadlineRow>("SELECT * FROM deadlines WHERE name = ?", name).next().value;
    const deadline = row === undefined ? null : deadlineOf(row);
    this.#remember(name, deadline);
    return deadline;
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

  #remember(name: string, deadline: Deadline | null): void {
    if (this.#known.size >= rememberedDeadlines) this.#known.clear();
    this.#known.set(name, deadline);
  }
}
