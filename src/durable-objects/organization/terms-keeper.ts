import { completeTerms, defaultTerms, openTerms, type SealedTerms, type Terms } from "../../contracts/terms.ts";
import type { Remembered, StorageMemory } from "../storage-memory.ts";

const termsKey = "terms";

/** The highest version of the platform's terms that this organization has seen. */
export class TermsKeeper {
  readonly #kv: SyncKvStorage;
  readonly #current: Remembered<Terms>;
  /** An object that was away may have missed what it accepted last, so it begins with news. */
  #hasNews = true;

  constructor({ kv }: DurableObjectStorage, memory: StorageMemory, organizationId: string) {
    this.#kv = kv;
    this.#current = memory.remember(() => {
      const stored = kv.get<Terms>(termsKey);
      return stored === undefined ? defaultTerms(organizationId) : completeTerms(stored);
    });
  }

  current(): Terms {
    return this.#current.get();
  }

  /** Stores the terms when they are newer than those kept, and returns those that now hold. */
  accept(terms: Terms): Terms {
    const current = this.current();
    if (terms.version <= current.version) return current;
    this.#kv.put(termsKey, terms);
    this.#current.forget();
    this.#hasNews = true;
    return terms;
  }

  /** The same for terms that came along with something else; most are known already. */
  acceptSealed(terms: SealedTerms): void {
    if (terms.version > this.current().version) this.accept(openTerms(terms));
  }

  /** Whether terms were accepted since this was asked last. */
  takeNews(): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }
}
