import { describe, expect, it } from "vitest";
import { classifyAnswer } from "../../src/integrations/github/github-failure.ts";

const nowMs = 1_000_000_000;
const answer = (status: number, headers: Record<string, string> = {}, message = "") => ({ status, headers, message });

describe("classifyAnswer", () => {
  it.each([
    ["too many requests", answer(429, { "retry-after": "7" }), true, "rate_limited", 7_000],
    ["too many requests, no time given", answer(429), true, "rate_limited", 60_000],
    [
      "a primary limit, until its reset",
      answer(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(nowMs / 1_000 + 30) }),
      true,
      "rate_limited",
      30_000,
    ],
    [
      "a limit that was reset meanwhile",
      answer(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(nowMs / 1_000 - 30) }),
      true,
      "rate_limited",
      0,
    ],
    [
      "a secondary limit",
      answer(
        403,
        { "x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1" },
        "You have exceeded a secondary rate limit",
      ),
      true,
      "rate_limited",
      60_000,
    ],
    ["a secondary limit with a time", answer(403, { "retry-after": "90" }), true, "rate_limited", 90_000],
    ["a server's fault", answer(502), true, "unavailable", null],
    ["bad credentials", answer(401), false, "bad_credentials", null],
    [
      "a forbidden call",
      answer(403, { "x-ratelimit-remaining": "12" }, "Resource not accessible"),
      false,
      "forbidden",
      null,
    ],
    ["nothing there", answer(404), false, "not_found", null],
    ["a conflict", answer(409), false, "conflict", null],
    ["a refused request", answer(422), false, "refused", null],
    ["anything else", answer(418), false, "refused", null],
  ])("reads %s", (_, given, transient, reason, retryAfterMs) => {
    expect(classifyAnswer(given, nowMs)).toEqual({ transient, reason, retryAfterMs });
  });
});
