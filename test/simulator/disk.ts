/** What an object keeps when its process dies: an SQLite database in memory, key-value pairs, and the time of its alarm. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Row = Record<string, SqlStorageValue>;

/** A statement, planned once for all of its uses; without one, a script of several. */
export interface Prepared {
  readonly text: string;
  readonly statement: StatementSync | null;
  readonly returnsRows: boolean;
  readonly writes: boolean;
  /** The table that a single statement writes; null for one that only reads. */
  readonly writtenTable: string | null;
}

export class Disk {
  alarmAtMs: number | null = null;
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, Prepared>();
  readonly #writes = new Map<string, number>();
  #start: readonly { readonly name: string; readonly rows: readonly Row[] }[] = [];
  #startPairs: ReadonlyMap<string, unknown> = new Map();
  /** Copies of what was written, frozen: nobody shares them with the code that wrote them, or can change them. */
  readonly #pairs = new Map<string, unknown>();
  /** What the pairs were before the transaction that is open changed them; null while none is open. */
  #before: Map<string, unknown> | null = null;

  /** Remembers what is here now, its tables and few rows, as what `reset` goes back to. */
  markStart(): void {
    this.#start = this.query<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").map(
      ({ name }) => ({
        name,
        rows: this.query(`SELECT * FROM "${name}"`),
      }),
    );
    this.#startPairs = new Map(this.#pairs);
  }

  /** Goes back to the start, so that another object may live here. */
  reset(): void {
    for (const { name, rows } of this.#start) {
      this.query(`DELETE FROM "${name}"`);
      for (const row of rows) {
        const columns = Object.keys(row);
        const places = columns.map(() => "?").join(", ");
        this.query(`INSERT INTO "${name}" (${columns.join(", ")}) VALUES (${places})`, ...Object.values(row));
      }
    }
    this.#pairs.clear();
    for (const [key, value] of this.#startPairs) this.#pairs.set(key, value);
    this.alarmAtMs = null;
  }

  query<Found extends Row>(text: string, ...bindings: readonly unknown[]): Found[] {
    return this.run<Found>(this.prepare(text), bindings);
  }

  /** Grows with every statement that writes the table, triggers apart: as long as it stays, so do the rows. */
  writesTo(table: string): number {
    return this.#writes.get(table) ?? 0;
  }

  run<Found extends Row>(prepared: Prepared, bindings: readonly unknown[]): Found[] {
    const { text, statement, returnsRows, writtenTable } = prepared;
    if (writtenTable !== null) this.#writes.set(writtenTable, this.writesTo(writtenTable) + 1);
    if (statement === null) {
      this.#database.exec(text);
      return [];
    }
    const values = bindings.map(bindable);
    if (!returnsRows) {
      statement.run(...values);
      return [];
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as with SqlStorage: the caller names the row, the query makes it
    return statement.all(...values) as Found[];
  }

  prepare(text: string): Prepared {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    if (/;\s*\S/u.test(text)) {
      return { text, statement: null, returnsRows: false, writes: true, writtenTable: null };
    }
    const statement = this.#database.prepare(text);
    const prepared = {
      text,
      statement,
      returnsRows: statement.columns().length > 0,
      writes: !/^\s*(?:SELECT|WITH)\b/iu.test(text),
      writtenTable: /\b(?:INTO|UPDATE|DELETE FROM)\s+"?(?<table>\w+)/u.exec(text)?.groups?.["table"] ?? null,
    };
    this.#prepared.set(text, prepared);
    return prepared;
  }

  read(key: string): unknown {
    return this.#pairs.get(key);
  }

  put(key: string, value: unknown): void {
    this.#remember(key);
    this.#pairs.set(key, frozenCopy(value));
  }

  remove(key: string): boolean {
    this.#remember(key);
    return this.#pairs.delete(key);
  }

  entries(): readonly (readonly [string, unknown])[] {
    return [...this.#pairs].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  /** All that `work` writes, or nothing of it when it throws. One inside another belongs to it. */
  transaction<Result>(work: () => Result): Result {
    if (this.#before !== null) return work();
    const before = new Map<string, unknown>();
    this.#before = before;
    this.query("BEGIN");
    try {
      const result = work();
      this.query("COMMIT");
      return result;
    } catch (error) {
      this.query("ROLLBACK");
      for (const [key, value] of before) {
        if (value === undefined) this.#pairs.delete(key);
        else this.#pairs.set(key, value);
      }
      throw error;
    } finally {
      this.#before = null;
    }
  }

  #remember(key: string): void {
    if (this.#before !== null && !this.#before.has(key)) this.#before.set(key, this.#pairs.get(key));
  }
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint")
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite cannot hold a ${typeof value}`);
}

function frozenCopy(value: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  freeze(copy);
  return copy;
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const part of Object.values(value)) freeze(part);
  Object.freeze(value);
}
