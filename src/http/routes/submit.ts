import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import {
  idempotencyHeadersSchema,
  idempotencyReplayedHeader,
  noQuerySchema,
  submitRequestSchema,
} from "../../contracts/http.ts";
import { submitResponseSchema } from "../../contracts/http-views.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { ErrorWithHeaders, InvalidRequestError } from "../problems.ts";
import { rateLimitHeaders, refusalHeaders } from "../rate-limit-headers.ts";
import { agentError, callableAgents, receiptView, prepareSubmission } from "../submission.ts";
import type { TermsCache } from "../terms-cache.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";
import { submissionHeaders, submissionProblems } from "./submission-answers.ts";

const submitRoute = createRoute({
  method: "post",
  path: "/",
  operationId: "submitIssue",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Submit an issue",
  request: { query: noQuerySchema, headers: idempotencyHeadersSchema, body: jsonBody(submitRequestSchema) },
  responses: {
    202: {
      ...jsonContent(submitResponseSchema, "The issue is stored and will be worked on"),
      headers: submissionHeaders,
    },
    ...bodyProblems(...submissionProblems),
  },
});

/** `POST /`: answers after the object's own write; it waits for no Postgres, queue or model. */
export function submitRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  const agentTypes = callableAgents(ports.agents);
  return new OpenAPIHono<CallerEnv>().openapi(submitRoute, async (c) => {
    const access = tenantAccess(c.var.caller);
    const request = c.req.valid("json");
    const wrongAgent = agentError(request, agentTypes);
    if (wrongAgent !== null) throw new InvalidRequestError([wrongAgent]);
    const terms = await termsCache.read(access.organizationId);
    const { command, redacted } = prepareSubmission({
      access,
      request,
      terms,
      correlationId: c.var.requestId,
      idempotencyKey: c.req.valid("header")["idempotency-key"],
    });
    const outcome = await ports.objects.organization(access.organizationId).submit(command);
    if (!outcome.ok) throw new ErrorWithHeaders(outcome.failure, refusalHeaders(outcome.failure, terms.limits));
    // What was left when the answer was first given says nothing of now.
    const headers = outcome.value.replayed
      ? { [idempotencyReplayedHeader]: "true" }
      : rateLimitHeaders(outcome.value, ports.clock.nowMs());
    return c.json(receiptView(outcome.value, redacted, c.req.url), 202, headers);
  });
}
