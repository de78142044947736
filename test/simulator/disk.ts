/** What an object keeps when its process dies: an SQLite database in memory, key-value pairs, and the time of its alarm. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Row = Record<string, SqlStorageValue>;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  readonly writes: boolean;
}

export class Disk {
  alarmAtMs: number | null = null;
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, Prepared>();
  #start: readonly { readonly name: string; readonly rows: readonly Row[] }[] = [];
  #startPairs: ReadonlyMap<string, string> = new Map();
  /** Values as JSON text, so that nobody shares them with the code that wrote them. */
  readonly #pairs = new Map<string, string>();
  /** What the pairs were before the transaction that is open changed them; null while none is open. */
  #before: Map<string, string | undefined> | null = null;

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
    for (const [key, text] of this.#startPairs) this.#pairs.set(key, text);
    this.alarmAtMs = null;
  }

  query<Found extends Row>(text: string, ...bindings: readonly unknown[]): Found[] {
    const prepared = this.#prepare(text);
    if (prepared === null) {
      this.#database.exec(text);
      return [];
    }
    const values = bindings.map(bindable);
    if (!prepared.returnsRows) {
      prepared.statement.run(...values);
      return [];
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as with SqlStorage: the caller names the row, the query makes it
    return prepared.statement.all(...values) as Found[];
  }

  isWrite(text: string): boolean {
    return this.#prepare(text)?.writes ?? true;
  }

  read(key: string): unknown {
    const text = this.#pairs.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  put(key: string, value: unknown): void {
    this.#remember(key);
    this.#pairs.set(key, JSON.stringify(value));
  }

  remove(key: string): boolean {
    this.#remember(key);
    return this.#pairs.delete(key);
  }

  entries(): readonly (readonly [string, unknown])[] {
    return [...this.#pairs]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, text]) => [key, JSON.parse(text)]);
  }

  /** All that `work` writes, or nothing of it when it throws. One inside another belongs to it. */
  transaction<Result>(work: () => Result): Result {
    if (this.#before !== null) return work();
    const before = new Map<string, string | undefined>();
    this.#before = before;
    this.query("BEGIN");
    try {
      const result = work();
      this.query("COMMIT");
      return result;
    } catch (error) {
      this.query("ROLLBACK");
      for (const [key, text] of before) {
        if (text === undefined) this.#pairs.delete(key);
        else this.#pairs.set(key, text);
      }
      throw error;
    } finally {
      this.#before = null;
    }
  }

  #remember(key: string): void {
    if (this.#before !== null && !this.#before.has(key)) this.#before.set(key, this.#pairs.get(key));
  }

  /** Null for a script of several statements. */
  #prepare(text: string): Prepared | null {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    if (/;\s*\S/u.test(text)) return null;
    const statement = this.#database.prepare(text);
    const prepared = {
      statement,
      returnsRows: statement.columns().length > 0,
      writes: !/^\s*(?:SELECT|WITH)\b/iu.test(text),
    };
    this.#prepared.set(text, prepared);
    return prepared;
  }
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint")
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite cannot hold a ${typeof value}`);
}
