/** An object's SQL storage over an SQLite database in memory, for the tables that are tested apart from any object. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

type Row = Record<string, SqlStorageValue>;

function inputOf(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  throw new TypeError(`these tables bind no ${typeof value}`);
}

/** An object's storage, as far as its tables use it, and what was written to it. */
export interface MemoryStorage extends Pick<DurableObjectStorage, "sql" | "kv" | "transactionSync"> {
  /** The texts of the statements that wrote. */
  readonly writes: string[];
  /** What each query that counted rows came to. */
  readonly counts: number[];
}

/** A storage whose transactions undo statements and pairs alike when they throw. */
export function createMemoryStorage(): MemoryStorage {
  const database = new DatabaseSync(":memory:");
  const sql = memorySqlOver(database);
  const writes: string[] = [];
  const counts: number[] = [];
  let pairs = new Map<string, unknown>();
  const kv: unknown = {
    get: (key: string) => pairs.get(key),
    put: (key: string, value: unknown) => pairs.set(key, value),
  };
  const recorded: unknown = {
    exec: (text: string, ...values: readonly unknown[]) => {
      if (!/^\s*SELECT/u.test(text)) writes.push(text);
      const cursor = sql.exec<{ n: number }>(text, ...values);
      if (text.includes("COUNT(*) AS n FROM (")) counts.push(...cursor.toArray().map(({ n }) => n));
      return cursor;
    },
  };
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of the interface that the tables use stands above
    sql: recorded as SqlStorage,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of the interface that the tables use stands above
    kv: kv as SyncKvStorage,
    writes,
    counts,
    transactionSync: (work) => {
      const before = new Map(pairs);
      database.exec("BEGIN");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        pairs = before;
        throw error;
      }
    },
  };
}

/** Runs statements as an object's storage would; a text of several statements takes no values. */
export function createMemorySql(): SqlStorage {
  return memorySqlOver(new DatabaseSync(":memory:"));
}

function memorySqlOver(database: DatabaseSync): SqlStorage {
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const rowsOf = (text: string, values: readonly unknown[]): Row[] => {
    if (values.length === 0 && text.trim().replace(/;$/u, "").includes(";")) {
      database.exec(text);
      return [];
    }
    const statement = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, statement);
    const rows: unknown = statement.all(...values.map(inputOf));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of these tables hold text, numbers and null
    return rows as Row[];
  };
  const exec = (text: string, ...values: readonly unknown[]) => {
    const rows = rowsOf(text, values);
    const iterator = rows[Symbol.iterator]();
    return {
      toArray: () => rows,
      one: () => {
        const [only] = rows;
        if (only === undefined || rows.length !== 1) throw new Error(`${rows.length} rows where one was expected`);
        return only;
      },
      next: () => iterator.next(),
      [Symbol.iterator]: () => iterator,
    };
  };
  const storage: unknown = { exec };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of the interface that the tables use stands above
  return storage as SqlStorage;
}
