/** What Postgres says of callers: used for 60 s, and for up to 15 min while it is out of reach. */
import { LRUCache } from "lru-cache";
import pTimeout from "p-timeout";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";

const freshMs = 60_000;
const staleMs = 15 * 60_000;
/** After a failed look-up Postgres is left alone for so long, so that an outage does not slow every request. */
const outageMs = 5_000;
const defaultLookupMaxMs = 2_000;
const maxEntries = 10_000;

/** `row` null: Postgres answered that there is none. */
export type Lookup<Row> = { readonly kind: "known"; readonly row: Row | null } | { readonly kind: "unreachable" };

interface Entry<Row> {
  readonly row: Row | null;
  readonly readAtMs: number;
}

export interface LookupOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What is looked up, for the log. */
  readonly subject: string;
  /** A slower look-up counts as unreachable. */
  readonly lookupMaxMs?: number;
}

/** Rows of one isolate by key. Keys without a row are kept apart, so that made-up ones push no known row out. */
export class LookupCache<Row> {
  readonly #read: (key: string) => Promise<Row | null>;
  readonly #options: LookupOptions;
  readonly #found = new LRUCache<string, Entry<Row>>({ max: maxEntries });
  readonly #missing = new LRUCache<string, Entry<Row>>({ max: maxEntries });
  #outageUntilMs = 0;

  constructor(read: (key: string) => Promise<Row | null>, options: LookupOptions) {
    this.#read = read;
    this.#options = options;
  }

  /** The row of a key. Never throws: an unreachable Postgres is an answer. */
  async find(key: string): Promise<Lookup<Row>> {
    const cached = this.#youngerThan(key, freshMs);
    if (cached !== null) return { kind: "known", row: cached.row };
    const { clock, log, subject, lookupMaxMs = defaultLookupMaxMs } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs >= this.#outageUntilMs) {
      try {
        const row = await pTimeout(this.#read(key), { milliseconds: lookupMaxMs });
        this.#keep(key, { row, readAtMs: nowMs });
        this.#outageUntilMs = 0;
        return { kind: "known", row };
      } catch (error) {
        this.#outageUntilMs = clock.nowMs() + outageMs;
        log.warn(`${subject} look-up failed`, { error: describeError(error) });
      }
    }
    const stale = this.#youngerThan(key, staleMs);
    return stale === null ? { kind: "unreachable" } : { kind: "known", row: stale.row };
  }

  #keep(key: string, entry: Entry<Row>): void {
    const [into, from] = entry.row === null ? [this.#missing, this.#found] : [this.#found, this.#missing];
    into.set(key, entry);
    from.delete(key);
  }

  #youngerThan(key: string, maxAgeMs: number): Entry<Row> | null {
    const entry = this.#found.get(key) ?? this.#missing.get(key);
    return entry !== undefined && this.#options.clock.nowMs() - entry.readAtMs < maxAgeMs ? entry : null;
  }
}
