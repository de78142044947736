import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Caller } from "../../contracts/caller.ts";
import {
  idempotencyHeadersSchema,
  idempotencyReplayedHeader,
  idParamsSchema,
  isId,
  messageRequestSchema,
  type MessageRequest,
  noQuerySchema,
} from "../../contracts/http.ts";
import { messageReceiptSchema } from "../../contracts/http-views.ts";
import type { MessageCommand } from "../../contracts/organization-rpc.ts";
import { AgentError } from "../../core/errors.ts";
import { redactText } from "../../core/redaction/redact.ts";
import type { CallerEnv } from "../edge-env.ts";
import { fromPostgresOnly, issueNotFound } from "../issue-reads.ts";
import { idempotentRequest } from "../idempotent-request.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { valueOf } from "../problems.ts";
import { messageReceiptView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

const messageRoute = createRoute({
  method: "post",
  path: "/{id}/messages",
  operationId: "sendMessage",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Answer an agent's question, or tell the agent something",
  request: {
    query: noQuerySchema,
    headers: idempotencyHeadersSchema,
    params: idParamsSchema,
    body: jsonBody(messageRequestSchema),
  },
  responses: {
    202: jsonContent(messageReceiptSchema, "It is stored, and the agent will hear it"),
    ...bodyProblems("not_found", "conflict", "idempotency_key_reused"),
  },
});

/** Whose words they are: the caller's own, unless a platform administrator passes on another person's. */
function authorOf(caller: Caller, { answeredBy }: MessageRequest, actor: string): string {
  if (answeredBy === undefined) return actor;
  if (caller.kind === "platform") return answeredBy;
  const detail = "Only a platform administrator passes on what another person said.";
  throw new AgentError({ code: "forbidden", detail, field: "answeredBy" });
}

/** `POST /:id/messages`, for the issue's submitter and for reviewers. */
export function messageRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(messageRoute, async (c) => {
    const access = tenantAccess(c.var.caller);
    const { organizationId, visibility, authority, actor } = access;
    const { id: issueId } = c.req.valid("param");
    if (!isId("issue", issueId)) throw issueNotFound();
    const request = c.req.valid("json");
    const key = c.req.valid("header")["idempotency-key"];
    const command: MessageCommand = {
      organizationId,
      issueId,
      visibility,
      authority,
      text: redactText(request.text),
      author: authorOf(c.var.caller, request, actor),
      enteredBy: actor,
      questionId: request.questionId ?? null,
      idempotency: key === undefined ? null : idempotentRequest(access, key, { issueId, ...request }),
    };
    const outcome = await ports.objects.organization(organizationId).sendMessage(command);
    if (!outcome.ok && outcome.failure.code === "not_found") {
      // Whatever has left the object has ended: nobody is left to hear it.
      const ended = await fromPostgresOnly(ports, (issues) => issues.read(organizationId, issueId, visibility));
      if (ended === null) throw issueNotFound();
      const detail = `No agent is left that could hear it: the issue is ${ended.issue.status}.`;
      throw new AgentError({ code: "conflict", detail });
    }
    const receipt = valueOf(outcome);
    c.var.log.info("message received", { issueId, actor, kind: receipt.kind, replayed: receipt.replayed });
    if (receipt.replayed) c.header(idempotencyReplayedHeader, "true");
    return c.json(messageReceiptView(receipt), 202);
  });
}
