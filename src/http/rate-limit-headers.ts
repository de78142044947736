/** The fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) for the limits on submissions. */
import { rateLimitHeader, rateLimitPolicyHeader } from "../contracts/http.ts";
import type { Allowance } from "../contracts/organization-rpc.ts";
import type { OrganizationLimits } from "../contracts/terms.ts";
import type { Failure } from "../core/errors.ts";

const hourSeconds = 3_600;
const daySeconds = 24 * hourSeconds;
const hourly = '"issues-per-hour"';
const daily = '"issues-per-day"';

function policyOf(issuesPerHour: number, issuesPerDay: number): string {
  return `${hourly};q=${issuesPerHour};w=${hourSeconds}, ${daily};q=${issuesPerDay};w=${daySeconds}`;
}

function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}

/** What a submission has left, in issues, and in how many seconds there is more. */
export function rateLimitHeaders(
  { rate, quota }: { readonly rate: Allowance; readonly quota: Allowance },
  nowMs: number,
): Readonly<Record<string, string>> {
  const left = ({ remaining, resetAtMs }: Allowance): string => `r=${remaining};t=${secondsUntil(resetAtMs, nowMs)}`;
  return {
    [rateLimitPolicyHeader]: policyOf(rate.limit, quota.limit),
    [rateLimitHeader]: `${hourly};${left(rate)}, ${daily};${left(quota)}`,
  };
}

/** The same of a refusal, whose code tells which limit was reached; nothing for any other refusal. */
export function refusalHeaders(
  { code, retryAfterSeconds = 0 }: Failure,
  { issuesPerHour, issuesPerDay }: OrganizationLimits,
): Readonly<Record<string, string>> {
  if (code !== "rate_limited" && code !== "quota_exhausted") return {};
  return {
    [rateLimitPolicyHeader]: policyOf(issuesPerHour, issuesPerDay),
    [rateLimitHeader]: `${code === "rate_limited" ? hourly : daily};r=0;t=${retryAfterSeconds}`,
  };
}
