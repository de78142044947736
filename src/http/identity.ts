/** From a verified token to a caller: the identity row, its cache, and what is decided without one. */
import { LRUCache } from "lru-cache";
import pTimeout from "p-timeout";
import type { IdentityRow, TokenClaims, UserCaller } from "../contracts/caller.ts";
import type { IdentityPort } from "../contracts/ports.ts";
import type { Clock } from "../core/clock.ts";
import { describeError, type Failure } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";

/** `row` null: Postgres answered that there is no such user. */
export type IdentityLookup =
  | { readonly kind: "known"; readonly row: IdentityRow | null }
  | { readonly kind: "unreachable" };

export type CallerDecision =
  | { readonly kind: "caller"; readonly caller: UserCaller }
  | { readonly kind: "refused"; readonly failure: Failure };

function refuse(detail: string): CallerDecision {
  return { kind: "refused", failure: { code: "forbidden", detail } };
}

function withoutRow(claims: TokenClaims): CallerDecision {
  if (claims.organizationId === null) {
    return {
      kind: "refused",
      failure: { code: "unavailable", detail: "Your identity cannot be looked up right now.", retryAfterSeconds: 5 },
    };
  }
  const { subject, organizationId } = claims;
  return { kind: "caller", caller: { kind: "user", organizationId, subject, userId: null, level: "FREELANCER" } };
}

/**
 * Who calls. The role always comes from the row; while Postgres is unreachable a verified organization claim grants
 * what a freelancer may do: submit, and read one's own issues.
 */
export function decideCaller(claims: TokenClaims, lookup: IdentityLookup): CallerDecision {
  if (lookup.kind === "unreachable") return withoutRow(claims);
  const { row } = lookup;
  if (row === null) return refuse("No user belongs to this token.");
  if (!row.isActive) return refuse("This user is not active.");
  if (claims.organizationId !== null && claims.organizationId !== row.organizationId) {
    return refuse("The token names another organization than the user's.");
  }
  if (row.level === "CLIENT") return refuse("Clients have no access to agents.");
  const { organizationId, userId, level } = row;
  return { kind: "caller", caller: { kind: "user", organizationId, subject: claims.subject, userId, level } };
}

const freshMs = 60_000;
const staleMs = 15 * 60_000;
/** After a failed look-up Postgres is left alone for so long, so that an outage does not slow every request. */
const outageMs = 5_000;
const defaultLookupMaxMs = 2_000;
const maxEntries = 10_000;

interface Entry {
  readonly row: IdentityRow | null;
  readonly readAtMs: number;
}

interface IdentityCacheOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** A slower look-up counts as unreachable. */
  readonly lookupMaxMs?: number;
}

/** Identity rows of one isolate: used for 60 s, and for up to 15 min while Postgres is unreachable. */
export class IdentityCache {
  readonly #identities: IdentityPort;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lookupMaxMs: number;
  readonly #entries = new LRUCache<string, Entry>({ max: maxEntries });
  #outageUntilMs = 0;

  constructor(identities: IdentityPort, options: IdentityCacheOptions) {
    this.#identities = identities;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#lookupMaxMs = options.lookupMaxMs ?? defaultLookupMaxMs;
  }

  /** The row of a verified token's subject. Never throws: an unreachable Postgres is an answer. */
  async find(subject: string): Promise<IdentityLookup> {
    const cached = this.#youngerThan(subject, freshMs);
    if (cached !== null) return { kind: "known", row: cached.row };
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#outageUntilMs) {
      try {
        const row = await pTimeout(this.#identities.findBySubject(subject), { milliseconds: this.#lookupMaxMs });
        this.#entries.set(subject, { row, readAtMs: nowMs });
        this.#outageUntilMs = 0;
        return { kind: "known", row };
      } catch (error) {
        this.#outageUntilMs = this.#clock.nowMs() + outageMs;
        this.#log.warn("identity look-up failed", { error: describeError(error) });
      }
    }
    const stale = this.#youngerThan(subject, staleMs);
    return stale === null ? { kind: "unreachable" } : { kind: "known", row: stale.row };
  }

  #youngerThan(subject: string, maxAgeMs: number): Entry | null {
    const entry = this.#entries.get(subject);
    return entry !== undefined && this.#clock.nowMs() - entry.readAtMs < maxAgeMs ? entry : null;
  }
}
