/** The rows of one table that a transaction has to do with. */
import type { StorageMemory, TransactionRows } from "./storage-memory.ts";

export interface RowAccess<Row> {
  /** The stored row; null when there is none. */
  readonly read: (id: string) => Row | null;
  readonly write: (row: Row) => void;
}

/** Rows by id: each is read at most once and written at most once, whatever happens to it meanwhile. */
export class RowsWrittenOnce<Row> implements TransactionRows {
  readonly #memory: StorageMemory;
  readonly #access: RowAccess<Row>;
  readonly #known = new Map<string, Row | null>();
  readonly #unwritten = new Map<string, Row>();

  constructor(memory: StorageMemory, access: RowAccess<Row>) {
    this.#memory = memory;
    this.#access = access;
    memory.keepRows(this);
  }

  find(id: string): Row | null {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = this.#memory.isNew(id) ? null : this.#access.read(id);
    if (this.#memory.isOpen()) this.#known.set(id, row);
    return row;
  }

  save(id: string, row: Row): void {
    if (this.#memory.isOpen()) this.#known.set(id, row);
    this.#unwritten.set(id, row);
    this.#memory.defer(this);
  }

  flush(): void {
    for (const [id, row] of this.#unwritten) {
      this.#unwritten.delete(id);
      this.#access.write(row);
    }
  }

  forget(): void {
    this.#known.clear();
    this.#unwritten.clear();
  }
}

/** Rows that belong to others, read at most once for each owner; they are written by whoever keeps them here. */
export class RowsByOwner<Row> implements TransactionRows {
  readonly #memory: StorageMemory;
  readonly #known = new Map<string, Map<string, Row>>();

  constructor(memory: StorageMemory) {
    this.#memory = memory;
    memory.keepRows(this);
  }

  /** The owner's rows in the order in which they were made; `load` reads them, with the id of each. */
  of(ownerId: string, load: () => Iterable<readonly [id: string, row: Row]>): readonly Row[] {
    const known = this.#list(ownerId);
    if (known !== null) return [...known.values()];
    const loaded = new Map(load());
    if (this.#memory.isOpen()) this.#known.set(ownerId, loaded);
    return [...loaded.values()];
  }

  /** A row of the owner as it is stored now. */
  keep(ownerId: string, id: string, row: Row): void {
    this.#list(ownerId)?.set(id, row);
  }

  /** The row as far as it is known here: null when there is none, undefined when it would have to be read. */
  peek(ownerId: string, id: string): Row | null | undefined {
    const list = this.#list(ownerId);
    return list === null ? undefined : (list.get(id) ?? null);
  }

  flush(): void {
    // Nothing waits here.
  }

  forget(): void {
    this.#known.clear();
  }

  /** What is known of the owner's rows as a whole; of a new owner all is known. Null when it has to be read. */
  #list(ownerId: string): Map<string, Row> | null {
    const known = this.#known.get(ownerId);
    if (known !== undefined) return known;
    if (!this.#memory.isNew(ownerId)) return null;
    const none = new Map<string, Row>();
    this.#known.set(ownerId, none);
    return none;
  }
}
