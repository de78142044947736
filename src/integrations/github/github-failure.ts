/** What an unsuccessful answer of GitHub means for whoever asked. */

export interface GitHubAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly message: string;
}

export interface GitHubFailure {
  /** Whether the same request may succeed later. */
  readonly transient: boolean;
  /** A short stable word, such as `rate_limited`. */
  readonly reason: string;
  readonly retryAfterMs: number | null;
}

/** How long GitHub asks callers to wait when it names no time of its own. */
const defaultRateLimitWaitMs = 60_000;

const permanentReasons: Readonly<Record<number, string>> = {
  401: "bad_credentials",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  422: "refused",
};

function isRateLimit({ status, headers, message }: GitHubAnswer): boolean {
  if (status === 429) return true;
  const isExhausted = headers["retry-after"] !== undefined || headers["x-ratelimit-remaining"] === "0";
  return status === 403 && (isExhausted || /secondary rate limit|abuse detection/iu.test(message));
}

function rateLimitWaitMs({ headers }: GitHubAnswer, nowMs: number): number {
  const retryAfterSeconds = Number(headers["retry-after"]);
  if (Number.isFinite(retryAfterSeconds)) return Math.max(0, retryAfterSeconds * 1_000);
  const resetSeconds = Number(headers["x-ratelimit-reset"]);
  const isReset = headers["x-ratelimit-remaining"] === "0" && Number.isFinite(resetSeconds);
  return isReset ? Math.max(0, resetSeconds * 1_000 - nowMs) : defaultRateLimitWaitMs;
}

/** Classes an answer with a status of 400 or above. */
export function classifyAnswer(answer: GitHubAnswer, nowMs: number): GitHubFailure {
  if (isRateLimit(answer)) {
    return { transient: true, reason: "rate_limited", retryAfterMs: rateLimitWaitMs(answer, nowMs) };
  }
  if (answer.status >= 500) return { transient: true, reason: "unavailable", retryAfterMs: null };
  return { transient: false, reason: permanentReasons[answer.status] ?? "refused", retryAfterMs: null };
}
