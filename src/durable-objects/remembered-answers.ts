/** Answers to requests that carried an idempotency key, kept for 24 hours. Refusals are not among them. */
import type { IdempotentRequest } from "../contracts/organization-rpc.ts";
import { fromStoredJson } from "./stored-json.ts";
import type { Transaction } from "./transactions.ts";
import { decideRecall } from "./recall-decision.ts";

const keptMs = 24 * 60 * 60_000;
const forgottenAtOnce = 500;
const deadlineName = "answers";

export const rememberedAnswersMigration = `
  CREATE TABLE remembered_answers (
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (route, key)
  ) WITHOUT ROWID;
  CREATE INDEX remembered_answers_by_expiry ON remembered_answers (expires_at_ms);
`;

export type Recall<Answer> =
  | { readonly kind: "new" | "other_request" }
  | { readonly kind: "replay"; readonly answer: Answer };

type AnswerRow = { request_hash: string; answer: string; expires_at_ms: number };

/** The answers that one route has given; a key means nothing on another route. */
export class RememberedAnswers<Answer> {
  readonly #sql: SqlStorage;
  readonly #route: string;

  constructor(sql: SqlStorage, route: string) {
    this.#sql = sql;
    this.#route = route;
  }

  recall({ key, requestHash }: IdempotentRequest, nowMs: number): Recall<Answer> {
    const row = this.#sql
      .exec<AnswerRow>(
        "SELECT request_hash, answer, expires_at_ms FROM remembered_answers WHERE route = ? AND key = ?",
        this.#route,
        key,
      )
      .next().value;
    if (row === undefined) return { kind: "new" };
    const remembered = { requestHash: row.request_hash, expiresAtMs: row.expires_at_ms };
    const kind = decideRecall(remembered, requestHash, nowMs);
    return kind === "replay" ? { kind, answer: fromStoredJson<Answer>(row.answer) } : { kind };
  }

  /** Keeps an answer; the transaction that it tells of is the one that stores it. */
  remember({ nowMs, deadlines }: Transaction, { key, requestHash }: IdempotentRequest, answer: Answer): void {
    const expiresAtMs = nowMs + keptMs;
    this.#sql.exec(
      `INSERT OR REPLACE INTO remembered_answers (route, key, request_hash, answer, expires_at_ms)
       VALUES (?, ?, ?, ?, ?)`,
      this.#route,
      key,
      requestHash,
      JSON.stringify(answer),
      expiresAtMs,
    );
    if (deadlines.get(deadlineName) === null) deadlines.set(deadlineName, expiresAtMs);
  }
}

/** Deletes a bounded number of expired answers, of whatever route, and sets the time for the rest. */
export function forgetExpiredAnswers(sql: SqlStorage, { nowMs, deadlines }: Transaction): void {
  sql.exec(
    `DELETE FROM remembered_answers WHERE (route, key) IN (
       SELECT route, key FROM remembered_answers WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${forgottenAtOnce}
     )`,
    nowMs,
  );
  const { next } = sql.exec<{ next: number | null }>("SELECT MIN(expires_at_ms) AS next FROM remembered_answers").one();
  if (next !== null) deadlines.set(deadlineName, next);
}
