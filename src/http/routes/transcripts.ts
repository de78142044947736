import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import { idParamsSchema, isId, transcriptQuerySchema } from "../../contracts/http.ts";
import { transcriptSchema } from "../../contracts/http-views.ts";
import type { TranscriptPage } from "../../contracts/organization-rpc.ts";
import { AgentError } from "../../core/errors.ts";
import type { CallerEnv } from "../edge-env.ts";
import { issueNotFound } from "../issue-reads.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const transcriptRoute = createRoute({
  method: "get",
  path: "/{id}/transcript",
  operationId: "readTranscript",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Export what an attempt sent to its model, and what it got back",
  request: { query: transcriptQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(transcriptSchema, "A page of the transcript"), ...callerProblems("not_found") },
});

function transcriptView({
  jobId,
  attempt,
  prompt,
  messages,
  isLast,
}: TranscriptPage): z.infer<typeof transcriptSchema> {
  const { modelId, system, toolsJson, outputSchemaJson, baseCommit, baseBranch } = prompt;
  return {
    jobId,
    attempt,
    modelId,
    system,
    tools: JSON.parse(toolsJson) as unknown,
    outputSchema: outputSchemaJson === null ? null : (JSON.parse(outputSchemaJson) as unknown),
    baseCommit,
    baseBranch,
    messages: messages.map(({ position, afterStep, message }) => ({
      position,
      afterStep,
      message: JSON.parse(message) as unknown,
    })),
    nextCursor: isLast ? null : String(messages.at(-1)?.position ?? 0),
  };
}

/** `GET /:id/transcript`: kept by the object as long as the issue is live, and a few days longer. */
export function transcriptRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(transcriptRoute, async (c) => {
    const { organizationId, visibility } = tenantAccess(c.var.caller);
    const { id: issueId } = c.req.valid("param");
    if (!isId("issue", issueId)) throw issueNotFound();
    const { jobId = null, attempt = null, cursor: afterPosition = 0, limit } = c.req.valid("query");
    const query = { organizationId, issueId, visibility, jobId, attempt, afterPosition, limit };
    const page = await ports.objects.organization(organizationId).readTranscript(query);
    if (page === null) {
      const detail = "There is no such transcript, or it is kept no longer.";
      throw new AgentError({ code: "not_found", detail });
    }
    return c.json(transcriptView(page), 200);
  });
}
