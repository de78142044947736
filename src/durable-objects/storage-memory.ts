/**
 * What an instance of an object keeps in memory of its own storage, which nobody else writes: for good what is small and
 * often asked for, and during a transaction the rows that it reads and is about to write.
 */

/** Something kept of a storage. It is forgotten when a transaction is rolled back, because it may be what that wrote. */
interface Kept {
  forget(): void;
}

/** Rows of a transaction. What they are to write must be in the storage before anything is queried, or the end. */
export interface TransactionRows extends Kept {
  /** Writes what is not written yet. */
  flush(): void;
}

/** A value that is read from the storage when it is not known. Whoever changes the storage sets or forgets it. */
export class Remembered<Value> implements Kept {
  readonly #load: () => Value;
  #known: { readonly value: Value } | null = null;

  constructor(load: () => Value) {
    this.#load = load;
  }

  get(): Value {
    this.#known ??= { value: this.#load() };
    return this.#known.value;
  }

  set(value: Value): void {
    this.#known = { value };
  }

  /** Changes the value if it is known; else the next reader finds it changed. */
  update(change: (value: Value) => Value): void {
    if (this.#known !== null) this.#known = { value: change(this.#known.value) };
  }

  forget(): void {
    this.#known = null;
  }
}

/** A value under a key of the storage, read once. */
export interface StoredValue<Value> {
  get(): Value | undefined;
  put(value: Value): void;
}

export class StorageMemory {
  /** For queries over rows that may wait to be written: writes them first. */
  readonly sql: Pick<SqlStorage, "exec">;
  readonly #kv: SyncKvStorage;
  readonly #lasting: Kept[] = [];
  readonly #rows: TransactionRows[] = [];
  readonly #unwritten = new Set<TransactionRows>();
  readonly #newIds = new Set<string>();
  #isOpen = false;

  constructor({ sql, kv }: Pick<DurableObjectStorage, "sql" | "kv">) {
    this.#kv = kv;
    this.sql = {
      exec: <Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: readonly unknown[]) => {
        this.flush();
        return sql.exec<Row>(query, ...bindings);
      },
    };
  }

  /** Remembers a value from transaction to transaction. */
  remember<Value>(load: () => Value): Remembered<Value> {
    return this.keep(new Remembered(load));
  }

  /** Remembers what is stored under a key. */
  stored<Value>(key: string): StoredValue<Value> {
    const remembered = this.remember(() => this.#kv.get<Value>(key));
    return {
      get: () => remembered.get(),
      put: (value) => {
        this.#kv.put(key, value);
        remembered.set(value);
      },
    };
  }

  /** Has something forgotten at every rollback. */
  keep<Part extends Kept>(kept: Part): Part {
    this.#lasting.push(kept);
    return kept;
  }

  /** Has the rows of a table forgotten when the next transaction begins: until then they are what is stored. */
  keepRows(rows: TransactionRows): void {
    this.#rows.push(rows);
  }

  /** Has rows flushed in time; at once outside of a transaction. */
  defer(rows: TransactionRows): void {
    this.#unwritten.add(rows);
    if (!this.#isOpen) this.flush();
  }

  flush(): void {
    for (const rows of this.#unwritten) {
      this.#unwritten.delete(rows);
      rows.flush();
    }
  }

  /** Whether rows that are read may be kept. */
  isOpen(): boolean {
    return this.#isOpen;
  }

  /** Takes note of an id that this transaction has made: nothing belongs to it but what the transaction writes. */
  noteNew(id: string): void {
    if (this.#isOpen) this.#newIds.add(id);
  }

  isNew(id: string): boolean {
    return this.#newIds.has(id);
  }

  /** Runs `work` as the whole inside of a transaction; whoever rolls that back must `forget`. */
  within<Result>(work: () => Result): Result {
    this.#newIds.clear();
    for (const rows of this.#rows) rows.forget();
    this.#isOpen = true;
    try {
      const result = work();
      this.flush();
      return result;
    } finally {
      this.#isOpen = false;
    }
  }

  /** Forgets everything, unwritten rows too: a transaction was rolled back, or rows were changed past this memory. */
  forget(): void {
    this.#unwritten.clear();
    this.#newIds.clear();
    for (const kept of [...this.#rows, ...this.#lasting]) kept.forget();
  }
}
