import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import {
  batchItemSchema,
  batchRequestSchema,
  idempotencyHeadersSchema,
  idempotencyReplayedHeader,
  noQuerySchema,
} from "../../contracts/http.ts";
import { batchResponseSchema } from "../../contracts/http-views.ts";
import type { Outcome, SubmitReceipt } from "../../contracts/organization-rpc.ts";
import type { OrganizationLimits } from "../../contracts/terms.ts";
import { errorSpecs, type Failure } from "../../core/errors.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { type FieldError, fieldErrorsOf, InvalidRequestError, problemOf } from "../problems.ts";
import { rateLimitHeaders, refusalHeaders } from "../rate-limit-headers.ts";
import { agentError, callableAgents, type PreparedSubmission, prepareSubmission, receiptView } from "../submission.ts";
import type { TermsCache } from "../terms-cache.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";
import { submissionHeaders } from "./submission-answers.ts";

const batchRoute = createRoute({
  method: "post",
  path: "/batch",
  operationId: "submitBatch",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Submit up to 100 issues, each with its own result",
  description:
    "The issues are admitted in order, as if each came by itself: rate, quota and budget count each of them, and those " +
    "beyond a limit are refused with their wait. With `Idempotency-Key` every admitted issue keeps its answer under " +
    "that key and its place: the same batch again repeats those, and tries the refused ones anew.",
  request: { query: noQuerySchema, headers: idempotencyHeadersSchema, body: jsonBody(batchRequestSchema) },
  responses: {
    200: { ...jsonContent(batchResponseSchema, "A result for each issue, in order"), headers: submissionHeaders },
    ...bodyProblems(),
  },
});

type BatchItem = z.infer<typeof batchItemSchema>;
type BatchResult = z.infer<typeof batchResponseSchema>["results"][number];

/** Keys hold no space, so the place of an item in a batch cannot be taken for a key that a caller chose. */
function keyOf({ idempotencyKey }: BatchItem, batchKey: string | undefined, index: number): string | undefined {
  return idempotencyKey ?? (batchKey === undefined ? undefined : `batch ${batchKey} ${index}`);
}

/** The submission that an item is, or what is wrong with it. */
function parseItem(item: unknown, agentTypes: ReadonlySet<string>): BatchItem | readonly FieldError[] {
  const parsed = batchItemSchema.safeParse(item);
  if (!parsed.success) return fieldErrorsOf(parsed.error);
  const wrongAgent = agentError(parsed.data, agentTypes);
  return wrongAgent === null ? parsed.data : [wrongAgent];
}

function isRefused(item: BatchItem | readonly FieldError[]): item is readonly FieldError[] {
  return Array.isArray(item);
}

function refusal(failure: Failure, requestId: string, errors: readonly FieldError[] = []): Omit<BatchResult, "index"> {
  const { status } = errorSpecs[failure.code];
  const retryAfterSeconds = failure.retryAfterSeconds ?? null;
  return { status, submission: null, problem: problemOf(failure, requestId, errors), retryAfterSeconds };
}

function unanswered(): never {
  throw new Error("the organization's object left a submission unanswered");
}

/** What the last of the outcomes leaves of the limits; a refusal by one of them tells most. */
function limitHeaders(
  outcomes: readonly Outcome<SubmitReceipt>[],
  limits: OrganizationLimits,
  nowMs: number,
): Readonly<Record<string, string>> {
  const fresh = outcomes.filter((outcome) => !outcome.ok || !outcome.value.replayed);
  const refused = fresh.flatMap((outcome) => (outcome.ok ? [] : [refusalHeaders(outcome.failure, limits)]));
  const told = refused.find((headers) => Object.keys(headers).length > 0);
  if (told !== undefined) return told;
  const last = fresh.findLast((outcome) => outcome.ok);
  return last?.ok === true ? rateLimitHeaders(last.value, nowMs) : {};
}

/** `POST /batch`: one call and one transaction of the organization's object, whatever comes of each issue. */
export function batchRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  const agentTypes = callableAgents(ports.agents);
  return new OpenAPIHono<CallerEnv>().openapi(batchRoute, async (c) => {
    const access = tenantAccess(c.var.caller);
    const { organizationId } = access;
    const { requestId } = c.var;
    const batchKey = c.req.valid("header")["idempotency-key"];
    const items = c.req.valid("json").issues.map((item) => parseItem(item, agentTypes));
    const terms = await termsCache.read(organizationId);
    const submissions: PreparedSubmission[] = [];
    for (const [index, item] of items.entries()) {
      if (isRefused(item)) continue;
      const { idempotencyKey: _own, ...request } = item;
      const idempotencyKey = keyOf(item, batchKey, index);
      submissions.push(prepareSubmission({ access, request, terms, correlationId: requestId, idempotencyKey }));
    }
    const commands = submissions.map(({ command }) => command);
    const outcomes =
      commands.length === 0
        ? []
        : await ports.objects.organization(organizationId).submitBatch({ organizationId, commands });
    const answered = [...submissions.entries()];
    const results = items.map((item, index): BatchResult => {
      if (isRefused(item)) return { index, ...refusal(new InvalidRequestError(item).failure, requestId, item) };
      const [place, { redacted }] = answered.shift() ?? unanswered();
      const outcome = outcomes[place] ?? unanswered();
      if (!outcome.ok) return { index, ...refusal(outcome.failure, requestId) };
      return {
        index,
        status: 202,
        submission: receiptView(outcome.value, redacted, c.req.url),
        problem: null,
        retryAfterSeconds: null,
      };
    });
    const admitted = outcomes.filter((outcome) => outcome.ok).length;
    c.var.log.info("batch submitted", { issues: items.length, admitted });
    const isReplay = outcomes.length > 0 && outcomes.every((outcome) => outcome.ok && outcome.value.replayed);
    const headers = isReplay
      ? { [idempotencyReplayedHeader]: "true" }
      : limitHeaders(outcomes, terms.limits, ports.clock.nowMs());
    return c.json({ results }, 200, headers);
  });
}
