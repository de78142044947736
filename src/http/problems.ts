/** Errors as RFC 9457 problems: one mapping from what was thrown to what the caller is told. */
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";
import { type Problem, problemMediaType } from "../contracts/http-views.ts";
import { AgentError, errorSpecs, type Failure } from "../core/errors.ts";

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** A request whose fields are wrong; the problem names each of them. */
export class InvalidRequestError extends AgentError {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    const [first] = errors;
    super({
      code: "invalid_request",
      detail: first === undefined ? "The request is not valid." : `${first.field}: ${first.message}`,
    });
    this.errors = errors;
  }
}

/** An error whose answer carries header fields of its own. */
export class ErrorWithHeaders extends AgentError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(failure: Failure, headers: Readonly<Record<string, string>>) {
    super(failure);
    this.headers = headers;
  }
}

/**
 * The fields at fault in a failed parse; unknown fields are named one by one. A query's field is its parameter, however
 * many values it was given.
 */
export function fieldErrorsOf(error: z.core.$ZodError, target = "json"): readonly FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = (target === "query" ? issue.path.slice(0, 1) : issue.path).map(String);
    if (issue.code !== "unrecognized_keys") return [{ field: path.join(".") || "body", message: issue.message }];
    return issue.keys.map((key) => ({ field: [...path, key].join("."), message: "is not a known field" }));
  });
}

/** Durable Object stubs mark faults of the platform that may pass: the object is overloaded or out of reach. */
function isPassingObjectFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("retryable" in error && error.retryable === true) || ("overloaded" in error && error.overloaded === true);
}

/** What the caller may know of anything that was thrown; an unexpected error keeps its text to the log. */
export function failureOf(error: unknown): Failure {
  if (error instanceof AgentError) return error.failure;
  if (error instanceof HTTPException && error.status === 400) {
    return { code: "malformed_json", detail: "The body could not be parsed as JSON." };
  }
  if (error instanceof HTTPException && error.status === 415) {
    return { code: "unsupported_media_type", detail: "Send the body as application/json." };
  }
  if (isPassingObjectFault(error)) {
    return { code: "unavailable", detail: "The organization's state is out of reach.", retryAfterSeconds: 1 };
  }
  return { code: "internal", detail: "An unexpected error occurred; its cause is in the log under this request id." };
}

/** The stable URI of a code; the documentation page tells what it means, who must act and whether to send it again. */
export function problemType(code: string): string {
  return `urn:spokestack-agents:problem:${code}`;
}

function headersOf(failure: Failure): Record<string, string> {
  return {
    "content-type": problemMediaType,
    ...(failure.retryAfterSeconds === undefined ? {} : { "retry-after": String(failure.retryAfterSeconds) }),
    ...(failure.code === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
  };
}

/** The problem details of a failure; `errors` names the fields at fault when they are several. */
export function problemOf(failure: Failure, requestId: string, errors: readonly FieldError[] = []): Problem {
  const { code, detail, field } = failure;
  const { status, title } = errorSpecs[code];
  const named = errors.length > 0 || field === undefined ? [...errors] : [{ field, message: detail }];
  return {
    type: problemType(code),
    title,
    status,
    code,
    detail,
    requestId,
    ...(named.length === 0 ? {} : { errors: named }),
  };
}

/** The response for anything that was thrown. */
export function problemResponse(error: unknown, requestId: string, headers: Record<string, string> = {}): Response {
  const failure = failureOf(error);
  const { status } = errorSpecs[failure.code];
  const problem = problemOf(failure, requestId, error instanceof InvalidRequestError ? error.errors : []);
  const own = error instanceof ErrorWithHeaders ? error.headers : {};
  return Response.json(problem, { status, headers: { ...headersOf(failure), ...own, ...headers } });
}

/** The value of an RPC's outcome; throws `AgentError` with its failure. */
export function valueOf<Value>(
  outcome: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: Failure },
): Value {
  if (outcome.ok) return outcome.value;
  throw new AgentError(outcome.failure);
}
