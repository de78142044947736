/** What the edge needs of an organization before a route is served. */
import type { Addressed, Outcome } from "./outcome.ts";

/** A request that an ERP API key authenticated. */
export interface KeyRequest extends Addressed {
  readonly keyId: string;
  /** The key's own limit within any hour. */
  readonly requestsPerHour: number;
}

export interface EdgeAccessCalls {
  /** Counts a request of an API key, or answers `key_rate_limited` when its hour is full. */
  countKeyRequest(request: KeyRequest): Promise<Outcome<null>>;
}
