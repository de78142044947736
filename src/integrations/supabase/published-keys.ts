/** The signing keys that an issuer publishes as a JSON Web Key Set (RFC 7517). */
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JWTHeaderParameters, type LocalJWKSet } from "jose";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";

const fetchMaxMs = 3_000;
/** Keys are fetched again when they are older; so a withdrawn key is used no longer than this. */
const freshMs = 10 * 60_000;
/** Unless the issuer is out of reach: then they are used up to this age. */
const keptMs = 60 * 60_000;
/** A key that is not among them causes at most one fetch in this time, whoever asks for it. */
const unknownKeyPauseMs = 60_000;
/** After a fetch that failed the issuer is left alone for so long. */
const outageMs = 5_000;

const keySetSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

interface KeySet {
  readonly find: LocalJWKSet;
  readonly fetchedAtMs: number;
}

/** The keys cannot be had, so nothing can be said about a token. */
class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
}

/**
 * One isolate's copy of an issuer's keys. Requests share no fetch that is under way, because the runtime may end it
 * together with the request that began it; they go by the keys that are there.
 */
export class PublishedKeys {
  readonly #url: string;
  readonly #clock: Clock;
  #keys: KeySet | null = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  /**
   * The one key that fits a token's header. Throws `KeysUnavailableError` when no keys can be had, and jose's
   * `JWKSNoMatchingKey` or `JWKSMultipleMatchingKeys` when none or several fit.
   */
  async find(header: JWTHeaderParameters, token: FlattenedJWSInput): ReturnType<LocalJWKSet> {
    const keys = await this.#current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isWithin(this.#triedAtMs, unknownKeyPauseMs))
        throw error;
    }
    return (await this.#fetch()).find(header, token);
  }

  async #current(): Promise<KeySet> {
    const keys = this.#keys;
    if (keys !== null && this.#isWithin(keys.fetchedAtMs, freshMs)) return keys;
    const old = keys !== null && this.#isWithin(keys.fetchedAtMs, keptMs) ? keys : null;
    const isLeftAlone = this.#isWithin(this.#failedAtMs, outageMs);
    if (old !== null && (isLeftAlone || this.#isWithin(this.#triedAtMs, fetchMaxMs))) return old;
    if (isLeftAlone) throw new KeysUnavailableError("the key server was out of reach a moment ago");
    try {
      return await this.#fetch();
    } catch (error) {
      if (old !== null) return old;
      throw error;
    }
  }

  async #fetch(): Promise<KeySet> {
    this.#triedAtMs = this.#clock.nowMs();
    try {
      const response = await fetch(this.#url, { redirect: "manual", signal: AbortSignal.timeout(fetchMaxMs) });
      if (response.status !== 200) throw new Error(`the key server answered ${response.status}`);
      const find = createLocalJWKSet(keySetSchema.parse(await response.json()));
      this.#keys = { find, fetchedAtMs: this.#clock.nowMs() };
      return this.#keys;
    } catch (error) {
      this.#failedAtMs = this.#clock.nowMs();
      throw new KeysUnavailableError("the issuer's keys cannot be had", { cause: error });
    }
  }

  #isWithin(sinceMs: number, durationMs: number): boolean {
    return this.#clock.nowMs() - sinceMs < durationMs;
  }
}
