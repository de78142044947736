/** What the edge asks of an organization about those who call: how often, and what they decided. */
import type { AuditQuery, DecisionEntry } from "../audit.ts";
import type { Addressed, Outcome } from "./outcome.ts";

/** A request that an ERP API key authenticated. */
export interface KeyRequest extends Addressed {
  readonly keyId: string;
  /** The key's own limit within any hour. */
  readonly requestsPerHour: number;
}

export type DecisionQuery = Addressed & AuditQuery;

export interface EdgeAccessCalls {
  /** Counts a request of an API key, or answers `key_rate_limited` when its hour is full. */
  countKeyRequest(request: KeyRequest): Promise<Outcome<null>>;
  /** The last things that people and switches decided about its work, newest first. */
  readDecisions(query: DecisionQuery): Promise<readonly DecisionEntry[]>;
}
