import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import {
  apiBasePath,
  idempotencyHeadersSchema,
  idempotencyReplayedHeader,
  noQuerySchema,
  type SubmitRequest,
  submitRequestSchema,
} from "../../contracts/http.ts";
import { submitResponseSchema } from "../../contracts/http-views.ts";
import type { IdempotentRequest, SubmitCommand, SubmitReceipt } from "../../contracts/organization-rpc.ts";
import type { Terms } from "../../contracts/terms.ts";
import type { CallerEnv } from "../edge-env.ts";
import { idempotentRequest } from "../idempotent-request.ts";
import { tenantAccess, type TenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { InvalidRequestError, valueOf } from "../problems.ts";
import { redactedSubmission } from "../redacted-submission.ts";
import type { TermsCache } from "../terms-cache.ts";
import { allowanceView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

/** Why a submission may be refused, beside what any request may be. */
const submissionProblems = [
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

const submitRoute = createRoute({
  method: "post",
  path: "/",
  operationId: "submitIssue",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Submit an issue",
  request: { query: noQuerySchema, headers: idempotencyHeadersSchema, body: jsonBody(submitRequestSchema) },
  responses: {
    202: jsonContent(submitResponseSchema, "The issue is stored and will be worked on"),
    ...bodyProblems(...submissionProblems),
  },
});

interface SubmissionParts {
  readonly access: TenantAccess;
  readonly request: SubmitRequest;
  readonly terms: Terms;
  readonly correlationId: string;
  readonly idempotency: IdempotentRequest | null;
}

function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}

/** The object's command for a request that a person or a platform administrator made. */
function submitCommand(parts: SubmissionParts): SubmitCommand {
  const { access, request, terms, correlationId, idempotency } = parts;
  return {
    organizationId: access.organizationId,
    terms,
    source: "MANUAL",
    type: request.type,
    priority: request.priority,
    title: request.title,
    description: request.description,
    context: request.context,
    externalId: request.externalId ?? null,
    requestedAgentType: request.agentType ?? null,
    requestedModel: request.model ?? null,
    notBeforeMs: timeOf(request.notBefore),
    expiresAtMs: timeOf(request.expiresAt),
    concurrencyKey: request.concurrencyKey ?? null,
    maxCostMicroUsd: request.maxCostMicroUsd ?? null,
    createdById: access.createdById,
    submitterLevel: access.submitterLevel,
    correlationId,
    idempotency,
  };
}

/** Where an issue can be read and watched, on the host that was asked. */
function issueUrls(requestUrl: string, issueId: string): { readonly trackingUrl: string; readonly liveUrl: string } {
  const tracking = new URL(`${apiBasePath}/${issueId}`, requestUrl);
  const live = new URL(`${apiBasePath}/live?issueId=${issueId}&after=0`, requestUrl);
  live.protocol = live.protocol === "https:" ? "wss:" : "ws:";
  return { trackingUrl: tracking.href, liveUrl: live.href };
}

function receiptView(
  receipt: SubmitReceipt,
  redacted: readonly string[],
  requestUrl: string,
): z.infer<typeof submitResponseSchema> {
  const { issueId: id, jobId, status, position, rate, quota } = receipt;
  return {
    id,
    jobId,
    status,
    position,
    estimatedWaitSeconds: null,
    ...issueUrls(requestUrl, id),
    rate: allowanceView(rate),
    quota: allowanceView(quota),
    redacted: [...redacted],
  };
}

/** `POST /`: answers after the object's own write; it waits for no Postgres, queue or model. */
export function submitRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(submitRoute, async (c) => {
    const access = tenantAccess(c.var.caller);
    const body = c.req.valid("json");
    const { request, redacted } = redactedSubmission(body);
    if (request.agentType !== undefined && !ports.agentTypes.has(request.agentType)) {
      throw new InvalidRequestError([{ field: "agentType", message: "is not an agent that can be asked for" }]);
    }
    const terms = await termsCache.read(access.organizationId);
    const idempotencyKey = c.req.valid("header")["idempotency-key"];
    const command = submitCommand({
      access,
      request,
      terms,
      correlationId: c.var.requestId,
      idempotency: idempotencyKey === undefined ? null : idempotentRequest(idempotencyKey, body),
    });
    const receipt = valueOf(await ports.objects.organization(access.organizationId).submit(command));
    if (receipt.replayed) c.header(idempotencyReplayedHeader, "true");
    return c.json(receiptView(receipt, redacted, c.req.url), 202);
  });
}
