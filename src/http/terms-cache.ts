/** The platform's terms of each organization, at most ten seconds old at the edge. */
import { LRUCache } from "lru-cache";
import pTimeout from "p-timeout";
import { defaultTerms, type Terms } from "../contracts/terms.ts";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { EdgeObjects } from "./ports.ts";

const freshMs = 10_000;
const readMaxMs = 1_000;
const maxEntries = 10_000;

interface Entry {
  readonly terms: Terms;
  readonly checkedAtMs: number;
}

interface TermsCacheOptions {
  readonly objects: EdgeObjects;
  readonly clock: Clock;
  readonly log: Logger;
}

export class TermsCache {
  readonly #objects: EdgeObjects;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new LRUCache<string, Entry>({ max: maxEntries });

  constructor(options: TermsCacheOptions) {
    this.#objects = options.objects;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /**
   * Terms for a submission. While the platform object is out of reach: older ones, or the defaults, whose version is
   * lower than any that the organization's object may hold. Never throws.
   */
  async read(organizationId: string): Promise<Terms> {
    const entry = this.#entries.get(organizationId);
    if (entry !== undefined && this.#clock.nowMs() - entry.checkedAtMs < freshMs) return entry.terms;
    const terms = await this.#fetch(organizationId, entry?.terms ?? defaultTerms(organizationId));
    this.keep(terms);
    return terms;
  }

  /** Takes over terms that were just changed here. */
  keep(terms: Terms): void {
    this.#entries.set(terms.organizationId, { terms, checkedAtMs: this.#clock.nowMs() });
  }

  /** Forgets everything: something has changed that may concern anyone. */
  forget(): void {
    this.#entries.clear();
  }

  async #fetch(organizationId: string, fallback: Terms): Promise<Terms> {
    try {
      return await pTimeout(this.#objects.platform().readTerms(organizationId), { milliseconds: readMaxMs });
    } catch (error) {
      this.#log.warn("terms could not be read", { organizationId, error: describeError(error) });
      return fallback;
    }
  }
}
