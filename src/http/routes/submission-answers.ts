/** What the routes that submit declare of their answers. */
import { z } from "zod";
import { idempotencyReplayedHeader, rateLimitHeader, rateLimitPolicyHeader } from "../../contracts/http.ts";

/** Why a submission may be refused, beside what any request may be. */
export const submissionProblems = [
  "agent_not_allowed",
  "model_not_allowed",
  "idempotency_key_reused",
  "rate_limited",
  "quota_exhausted",
  "backlog_full",
  "budget_exhausted",
  "switched_off",
  "storage_full",
] as const;

/** On an answer that is repeated. */
export const replayHeaders = z.object({ [idempotencyReplayedHeader]: z.literal("true").optional() });

/** What is left of the limits on submissions; absent from an answer that is repeated. */
export const submissionHeaders = z.object({
  [rateLimitPolicyHeader]: z.string().optional(),
  [rateLimitHeader]: z.string().optional(),
  [idempotencyReplayedHeader]: z.literal("true").optional(),
});
