/** Sessions of administrators: found by the hash of their secret, gone once they have ended. */
import type { AdminSession, OpenSession } from "../../contracts/platform-sessions.ts";
import type { SwitchActor } from "../../contracts/switches.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { Transaction } from "../transactions.ts";
import type { AuditLog } from "./audit-log.ts";

export const sessionsMigration = `
  CREATE TABLE sessions (
    secret_hash TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    expires_at_ms INTEGER NOT NULL,
    session TEXT NOT NULL
  ) WITHOUT ROWID;
`;

type Row = { session: string };

export class SessionTable {
  readonly #sql: SqlStorage;
  readonly #audit: AuditLog;

  constructor(sql: SqlStorage, audit: AuditLog) {
    this.#sql = sql;
    this.#audit = audit;
  }

  /** Begins a session, and forgets those that have ended by themselves. */
  open(transaction: Transaction, { name, tokenHash, secretHash, lifetimeMs }: OpenSession): AdminSession {
    const { nowMs } = transaction;
    this.#sql.exec("DELETE FROM sessions WHERE expires_at_ms <= ?", nowMs);
    const id = transaction.newId("session");
    const session: AdminSession = { id, name, tokenHash, openedAtMs: nowMs, expiresAtMs: nowMs + lifetimeMs };
    this.#sql.exec(
      "INSERT INTO sessions (secret_hash, id, expires_at_ms, session) VALUES (?, ?, ?, ?)",
      secretHash,
      id,
      session.expiresAtMs,
      JSON.stringify(session),
    );
    this.#record(transaction, "session.opened", id, { kind: "platform", name });
    return session;
  }

  find(secretHash: string, nowMs: number): AdminSession | null {
    const query = "SELECT session FROM sessions WHERE secret_hash = ? AND expires_at_ms > ?";
    const row = this.#sql.exec<Row>(query, secretHash, nowMs).next().value;
    return row === undefined ? null : fromStoredJson<AdminSession>(row.session);
  }

  list(nowMs: number): readonly AdminSession[] {
    return this.#sql
      .exec<Row>("SELECT session FROM sessions WHERE expires_at_ms > ? ORDER BY id DESC", nowMs)
      .toArray()
      .map(({ session }) => fromStoredJson<AdminSession>(session));
  }

  /** Ends a session; whether it had not ended before. */
  end(transaction: Transaction, sessionId: string, actor: SwitchActor): boolean {
    const ended = this.#sql.exec<{ expires_at_ms: number }>(
      "DELETE FROM sessions WHERE id = ? RETURNING expires_at_ms",
      sessionId,
    );
    const row = ended.next().value;
    if (row === undefined || row.expires_at_ms <= transaction.nowMs) return false;
    this.#record(transaction, "session.ended", sessionId, actor);
    return true;
  }

  #record(
    { nowMs }: Transaction,
    action: "session.opened" | "session.ended",
    sessionId: string,
    actor: SwitchActor,
  ): void {
    this.#audit.record({ atMs: nowMs, action, scope: { kind: "platform" }, actor, sessionId });
  }
}
