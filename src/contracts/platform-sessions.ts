/** Sessions of platform administrators in a browser, as the platform object keeps them. */
import type { SwitchActor } from "./switches.ts";

/** What stands in a session's record. Its secret is known to the browser alone, and here by its hash. */
export interface AdminSession {
  readonly id: string;
  /** The administrator's name in `ADMIN_TOKENS`. */
  readonly name: string;
  /** The SHA-256 (hex) of the token that it was opened with: it ends when that token is no longer one. */
  readonly tokenHash: string;
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
}

export interface OpenSession extends Pick<AdminSession, "name" | "tokenHash"> {
  /** SHA-256 (hex) of the secret. */
  readonly secretHash: string;
  readonly lifetimeMs: number;
}

export interface SessionCalls {
  openSession(command: OpenSession): Promise<AdminSession>;
  /** The session of this secret; null when there is none, or none any more. */
  findSession(secretHash: string): Promise<AdminSession | null>;
  /** Those that have not ended, newest first. */
  listSessions(): Promise<readonly AdminSession[]>;
  /** Ends a session at once; whether there was one. */
  endSession(command: { readonly sessionId: string; readonly actor: SwitchActor }): Promise<boolean>;
}
