/** The closed set of error codes, and the one error class that carries them across layers. */

/** Who has to act before the same request can succeed. */
type Actor = "caller" | "operator" | "nobody";

interface ErrorSpec {
  readonly status: number;
  readonly title: string;
  /** Who must act. */
  readonly actor: Actor;
  /** Whether sending the same request again is safe and may succeed without a change. */
  readonly retryable: boolean;
}

export const errorSpecs = {
  malformed_json: { status: 400, title: "The body is not valid JSON", actor: "caller", retryable: false },
  invalid_request: { status: 422, title: "The request is not valid", actor: "caller", retryable: false },
  unauthenticated: { status: 401, title: "Authentication is required", actor: "caller", retryable: false },
  forbidden: { status: 403, title: "This is not allowed", actor: "caller", retryable: false },
  not_found: { status: 404, title: "Not found", actor: "caller", retryable: false },
  method_not_allowed: { status: 405, title: "This method is not allowed here", actor: "caller", retryable: false },
  conflict: { status: 409, title: "The current state does not allow this", actor: "caller", retryable: false },
  body_too_large: { status: 413, title: "The body is too large", actor: "caller", retryable: false },
  unsupported_media_type: {
    status: 415,
    title: "The body is not application/json",
    actor: "caller",
    retryable: false,
  },
  upgrade_required: { status: 426, title: "A WebSocket upgrade is required", actor: "caller", retryable: false },
  rate_limited: { status: 429, title: "Too many issues in the last hour", actor: "caller", retryable: true },
  key_rate_limited: {
    status: 429,
    title: "Too many requests with this API key in the last hour",
    actor: "caller",
    retryable: true,
  },
  quota_exhausted: { status: 429, title: "The daily quota of issues is used up", actor: "caller", retryable: true },
  backlog_full: { status: 429, title: "Too much work is waiting already", actor: "caller", retryable: true },
  idempotency_key_reused: {
    status: 422,
    title: "The idempotency key stands for another request",
    actor: "caller",
    retryable: false,
  },
  budget_exhausted: { status: 429, title: "The organization's budget is used up", actor: "caller", retryable: true },
  agent_not_allowed: {
    status: 403,
    title: "This agent is not available to the organization",
    actor: "caller",
    retryable: false,
  },
  model_not_allowed: {
    status: 403,
    title: "This model is not available to the organization",
    actor: "caller",
    retryable: false,
  },
  storage_full: { status: 503, title: "The organization's storage is nearly full", actor: "operator", retryable: true },
  misconfigured: { status: 503, title: "The service is not configured", actor: "operator", retryable: true },
  switched_off: {
    status: 503,
    title: "Submissions are refused for the time being",
    actor: "operator",
    retryable: true,
  },
  unavailable: { status: 503, title: "The service cannot answer right now", actor: "nobody", retryable: true },
  internal: { status: 500, title: "Something went wrong", actor: "operator", retryable: false },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errorSpecs;

/** A plain, serializable failure: what crosses an RPC boundary, where error classes do not survive. */
export interface Failure {
  readonly code: ErrorCode;
  /** One sentence for the caller; never internal text, a secret or a stack. */
  readonly detail: string;
  /** The request field at fault, as a dotted path. */
  readonly field?: string;
  readonly retryAfterSeconds?: number;
}

/** The error every layer throws when the caller is to be told; anything else becomes `internal`. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.code}: ${failure.detail}`, options);
    this.failure = failure;
  }
}

/** Text of an unknown thrown value, for logs only. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return typeof error === "string" ? error : (JSON.stringify(error) ?? String(error));
}
