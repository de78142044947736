/** Sorts what can go wrong with a model call by what helps: time, another attempt, or a person. */
import { APIConnectionError, APIError } from "@anthropic-ai/sdk";
import { ModelCallError, type ModelFailureClass } from "../../contracts/ports.ts";
import { describeError } from "../../core/errors.ts";
import { AnswerTooLarge, NotAStream } from "./bounded-fetch.ts";

interface Verdict {
  readonly failureClass: ModelFailureClass;
  readonly reason: string;
}

/** Statuses that time may heal, besides all of 500 and above. */
const transientStatuses: Readonly<Record<number, string>> = {
  408: "request_timeout",
  409: "conflict",
  429: "rate_limited",
  529: "overloaded",
};

/** Statuses that say what is wrong; no other 4xx heals by being sent again either. */
const finalStatuses: Readonly<Record<number, string>> = {
  401: "authentication",
  402: "spend_cap",
  403: "permission",
  404: "unknown_model",
  413: "request_too_large",
};

/** Codes of a spend cap; some come with the status of a rate limit, which they are not: no wait helps. */
const spendCapCodes: ReadonlySet<string> = new Set([
  "contract_spend_limit_reached",
  "enforced_spend_limit_reached",
  "linked_organization_spend_limit_reached",
]);
/** A cap that the account's owner set himself has no code: its message begins like this. */
const ownSpendCap = /^You have reached your specified (?:workspace )?API usage limits/u;

/** Errors that arrive inside a stream, after a 200, carry a type and no status. */
const finalTypes: Readonly<Record<string, string>> = {
  authentication_error: "authentication",
  billing_error: "spend_cap",
  permission_error: "permission",
  not_found_error: "unknown_model",
};

function verdictOfStatus(status: number): Verdict {
  const transient = transientStatuses[status];
  if (transient !== undefined) return { failureClass: "transient", reason: transient };
  if (status >= 500) return { failureClass: "transient", reason: "server_error" };
  const final = finalStatuses[status];
  if (final !== undefined) return { failureClass: "final", reason: final };
  return { failureClass: "final", reason: "request_refused" };
}

function isSpendCap({ errorCode, type, apiMessage }: APIError): boolean {
  if (type === "billing_error") return true;
  return (errorCode !== null && spendCapCodes.has(errorCode)) || ownSpendCap.test(apiMessage ?? "");
}

function verdictOfType(type: string | null): Verdict {
  if (type === "overloaded_error") return { failureClass: "transient", reason: "overloaded" };
  if (type === "rate_limit_error") return { failureClass: "transient", reason: "rate_limited" };
  if (type === "invalid_request_error") return { failureClass: "final", reason: "request_refused" };
  const final = type === null ? undefined : finalTypes[type];
  return final === undefined
    ? { failureClass: "transient", reason: "server_error" }
    : { failureClass: "final", reason: final };
}

/** The class is generic over what it carries; this fixes it to what the SDK says when nothing is known. */
function isApiError(error: unknown): error is APIError {
  return error instanceof APIError;
}

/** Whether the error, or one that it wraps, is of this class. */
function isCausedBy(error: unknown, kind: typeof NotAStream | typeof AnswerTooLarge): boolean {
  return (
    error instanceof kind || (error instanceof Error && error.cause !== undefined && isCausedBy(error.cause, kind))
  );
}

function verdictOf(error: unknown): Verdict {
  if (isCausedBy(error, NotAStream)) return { failureClass: "transient", reason: "not_the_api" };
  if (isCausedBy(error, AnswerTooLarge)) return { failureClass: "permanent", reason: "answer_too_large" };
  if (error instanceof APIConnectionError) return { failureClass: "transient", reason: "connection" };
  if (isApiError(error)) {
    if (isSpendCap(error)) return { failureClass: "final", reason: "spend_cap" };
    return error.status !== undefined ? verdictOfStatus(error.status) : verdictOfType(error.type);
  }
  return { failureClass: "transient", reason: "broken_stream" };
}

/** Codes of faults that come before a connection stands. workerd gives no code, and then nothing is proven. */
const connectFaults: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function isConnectFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && connectFaults.has(error.code)) || isConnectFault(error.cause);
}

/** Whether the model may have worked on the request: not when it was refused with 4xx or 529, or never sent. */
function mayHaveReached(error: unknown): boolean {
  if (error instanceof APIConnectionError) return !isConnectFault(error);
  if (!isApiError(error) || error.status === undefined) return true;
  return !((error.status >= 400 && error.status < 500) || error.status === 529);
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date; null when there is none. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const milliseconds = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  if (seconds >= 0) return seconds * 1_000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}

interface ApiAnswer {
  readonly status: number | null;
  readonly message: string | null;
  readonly headers: Headers | null;
}

/** What the API itself said; all null when it never got to answer. */
function apiAnswerOf(error: unknown): ApiAnswer {
  if (!isApiError(error)) return { status: null, message: null, headers: null };
  return { status: error.status ?? null, message: error.apiMessage, headers: error.headers ?? null };
}

/** The error that the port promises. Everything that is not an answer of the API (a cut stream, a page of HTML) may heal. */
export function toModelCallError(error: unknown, nowMs: number): ModelCallError {
  const { failureClass, reason } = verdictOf(error);
  const { status, message, headers } = apiAnswerOf(error);
  const said = message ?? describeError(error);
  return new ModelCallError(
    {
      failureClass,
      reason,
      message: `The model call failed (${reason}${status === null ? "" : `, status ${status}`}): ${said}`,
      reached: mayHaveReached(error),
      retryAfterMs: headers === null ? null : retryAfterMs(headers, nowMs),
    },
    { cause: error },
  );
}
