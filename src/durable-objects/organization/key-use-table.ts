/** How often each API key was used within the last hour, counted exactly and by key look-ups. */
import type { Outcome, KeyRequest } from "../../contracts/organization-rpc.ts";
import { hourMs } from "./submission-usage.ts";

/** Uses that count no more and go with each new one: more than come, so that none pile up. */
const forgottenAtOnce = 2;

/** A use. Its ordinal counts each key's from 1 without gaps, and no later one has an earlier time. */
export const keyUsesMigration = `
  CREATE TABLE key_uses (
    key_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (key_id, ordinal)
  ) WITHOUT ROWID;
  CREATE INDEX key_uses_by_time ON key_uses (key_id, at_ms);
`;

type UseRow = { ordinal: number; at_ms: number };

export class KeyUseTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Counts a request of a key, or answers `key_rate_limited` when its hour is full; a refused one counts for nothing. */
  count({ keyId, requestsPerHour }: KeyRequest, nowMs: number): Outcome<null> {
    const last = this.#first(
      "SELECT ordinal, at_ms FROM key_uses WHERE key_id = ? ORDER BY ordinal DESC LIMIT 1",
      keyId,
    );
    const atMs = Math.max(nowMs, last?.at_ms ?? nowMs);
    const ordinal = (last?.ordinal ?? 0) + 1;
    const blocking = requestsPerHour < 1 ? null : this.#blocking(keyId, ordinal - requestsPerHour);
    const roomAtMs = requestsPerHour < 1 ? atMs + hourMs : (blocking?.at_ms ?? 0) + hourMs;
    if (roomAtMs > atMs) {
      const detail = `This API key may be used ${requestsPerHour} times within an hour.`;
      const retryAfterSeconds = Math.max(1, Math.ceil((roomAtMs - nowMs) / 1_000));
      return { ok: false, failure: { code: "key_rate_limited", detail, retryAfterSeconds } };
    }
    this.#sql.exec("INSERT INTO key_uses (key_id, ordinal, at_ms) VALUES (?, ?, ?)", keyId, ordinal, atMs);
    this.#sql.exec(
      `DELETE FROM key_uses WHERE key_id = ? AND ordinal IN (
         SELECT ordinal FROM key_uses WHERE key_id = ? AND at_ms <= ? ORDER BY at_ms LIMIT ${forgottenAtOnce}
       )`,
      keyId,
      keyId,
      atMs - hourMs,
    );
    return { ok: true, value: null };
  }

  /** The use that must be over an hour old before another one fits. */
  #blocking(keyId: string, ordinal: number): UseRow | null {
    return this.#first("SELECT ordinal, at_ms FROM key_uses WHERE key_id = ? AND ordinal = ?", keyId, ordinal);
  }

  #first(query: string, ...bindings: readonly (string | number)[]): UseRow | null {
    return this.#sql.exec<UseRow>(query, ...bindings).next().value ?? null;
  }
}
