import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { feedbackRequestSchema, idParamsSchema, isId, noQuerySchema } from "../../contracts/http.ts";
import { feedbackViewSchema } from "../../contracts/http-views.ts";
import { redactText } from "../../core/redaction/redact.ts";
import type { CallerEnv } from "../edge-env.ts";
import { commandLiveOrArchived, issueNotFound } from "../issue-reads.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { valueOf } from "../problems.ts";
import { feedbackView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

const feedbackRoute = createRoute({
  method: "post",
  path: "/{id}/feedback",
  operationId: "giveFeedback",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Say what you think of an issue's outcome; again, to change it",
  request: { query: noQuerySchema, params: idParamsSchema, body: jsonBody(feedbackRequestSchema) },
  responses: { 200: jsonContent(feedbackViewSchema, "Your feedback as it stands"), ...bodyProblems("not_found") },
});

/** `POST /:id/feedback`: one opinion a person, kept with the issue. Sending the same again changes nothing. */
export function feedbackRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(feedbackRoute, async (c) => {
    const { organizationId, visibility, person, actor } = tenantAccess(c.var.caller);
    const { id: issueId } = c.req.valid("param");
    if (!isId("issue", issueId)) throw issueNotFound();
    const { comment, tags, ...said } = c.req.valid("json");
    const command = {
      organizationId,
      issueId,
      visibility,
      person,
      givenBy: actor,
      ...said,
      tags: tags.map(redactText),
      comment: comment === null ? null : redactText(comment),
    };
    const outcome = await commandLiveOrArchived(
      ports,
      (about) => ports.objects.organization(organizationId).giveFeedback({ ...command, ...about }),
      (issues) => issues.read(organizationId, issueId, visibility),
    );
    const feedback = valueOf(outcome);
    c.var.log.info("feedback given", { issueId, rating: feedback.rating, outcome: feedback.outcome });
    return c.json(feedbackView(feedback), 200);
  });
}
