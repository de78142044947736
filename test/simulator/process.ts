/** One run of an object's code over its disk: the part of `DurableObjectState` that the objects use, which may die. */
import type { Disk } from "./disk.ts";

/** Thrown into the code of a process that dies; whoever called it learns only that the call was lost. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

/** When the machine fails; it counts down to the next time. */
export interface DeathPlan {
  /** Whether the process dies instead of this write. */
  atWrite(): boolean;
  /** Whether it dies when this commit is stored, before anything that was to follow from it leaves. */
  atCommit(): boolean;
}

export interface ProcessHooks {
  alarmSet(): void;
  committed(): void;
}

/** `dying`: what it stored stays, but nothing more leaves it. */
type Life = "alive" | "dying" | "dead";

export class ObjectProcess {
  readonly #disk: Disk;
  readonly #deaths: DeathPlan;
  readonly #hooks: ProcessHooks;
  #life: Life = "alive";

  constructor(disk: Disk, deaths: DeathPlan, hooks: ProcessHooks) {
    this.#disk = disk;
    this.#deaths = deaths;
    this.#hooks = hooks;
  }

  isAlive(): boolean {
    return this.#life === "alive";
  }

  die(): void {
    this.#life = "dead";
  }

  /** The state that the object's constructor gets. */
  state(name: string): DurableObjectState {
    const state = {
      id: { name, toString: () => name, equals: (other: { readonly name?: string }) => other.name === name },
      storage: this.#storage(),
      waitUntil: (task: Promise<unknown>) => void task.catch(() => undefined),
      blockConcurrencyWhile: <Result>(work: () => Promise<Result>) => work(),
      acceptWebSocket: () => {
        throw new Error("nobody watches a simulation");
      },
      getWebSockets: () => [],
    };
    return asObjectState(state);
  }

  #storage() {
    const disk = this.#disk;
    return {
      sql: {
        exec: (text: string, ...bindings: readonly unknown[]) => {
          const prepared = disk.prepare(text);
          this.#touch(prepared.writes);
          return new Cursor(disk.run(prepared, bindings));
        },
        databaseSize: 0,
      },
      kv: {
        get: (key: string) => {
          this.#touch(false);
          return disk.read(key);
        },
        put: (key: string, value: unknown) => {
          this.#touch(true);
          disk.put(key, value);
        },
        delete: (key: string) => {
          this.#touch(true);
          return disk.remove(key);
        },
        list: ({ prefix = "" }: { readonly prefix?: string } = {}) =>
          disk.entries().filter(([key]) => key.startsWith(prefix)),
      },
      transactionSync: <Result>(work: () => Result): Result => {
        this.#touch(false);
        const result = disk.transaction(work);
        this.#hooks.committed();
        if (this.#life === "alive" && this.#deaths.atCommit()) this.#life = "dying";
        return result;
      },
      sync: () => Promise.resolve(),
      getAlarm: () => Promise.resolve(disk.alarmAtMs),
      setAlarm: (atMs: number) => this.#setAlarm(atMs),
      deleteAlarm: () => this.#setAlarm(null),
    };
  }

  /** Belongs to the turn that it is called in, like every write: it is stored with them. */
  #setAlarm(atMs: number | null): Promise<void> {
    if (this.#life === "dead") return Promise.reject(new ProcessDied("it is dead"));
    this.#disk.alarmAtMs = atMs;
    this.#hooks.alarmSet();
    return Promise.resolve();
  }

  #touch(isWrite: boolean): void {
    if (this.#life !== "dead" && isWrite && this.#deaths.atWrite()) this.#life = "dead";
    if (this.#life === "dead") throw new ProcessDied("it is dead");
  }
}

/** The part of `SqlStorageCursor` that the objects use. */
class Cursor<Row> {
  readonly #rows: readonly Row[];
  #index = 0;

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  next(): IteratorResult<Row, undefined> {
    const row = this.#rows[this.#index];
    if (row === undefined) return { done: true, value: undefined };
    this.#index += 1;
    return { done: false, value: row };
  }

  toArray(): readonly Row[] {
    const rest = this.#index === 0 ? this.#rows : this.#rows.slice(this.#index);
    this.#index = this.#rows.length;
    return rest;
  }

  one(): Row {
    const [row, ...others] = this.toArray();
    if (row === undefined || others.length > 0) throw new Error("there is not exactly one row");
    return row;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

/** What guarantees it: the objects use no other member; a call of one that is missing throws, and fails the run. */
function asObjectState(state: object): DurableObjectState {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above
  return state as DurableObjectState;
}
