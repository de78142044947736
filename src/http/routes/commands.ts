import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import {
  commandRequestSchema,
  idParamsSchema,
  isId,
  noQuerySchema,
  retryRequestSchema,
  type RetryRequest,
} from "../../contracts/http.ts";
import { issueDetailSchema } from "../../contracts/http-views.ts";
import type { ReplayOrder } from "../../contracts/organization-rpc.ts";
import { issueCommands, type IssueCommandName } from "../../contracts/status.ts";
import { redactText } from "../../core/redaction/redact.ts";
import type { CallerEnv } from "../edge-env.ts";
import { commandLiveOrArchived, issueNotFound } from "../issue-reads.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { valueOf } from "../problems.ts";
import { issueDetailView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent, optionalJsonBody } from "./json-content.ts";
import { bodyProblems } from "./problem-responses.ts";

const summaries: Readonly<Record<IssueCommandName, string>> = {
  cancel: "End everything of an issue now",
  pause: "Pause an issue: a running job stops at its next checkpoint",
  resume: "Let a paused issue go on",
  retry: "Do what failed or was cancelled again, once; or replay an attempt from a step",
};

function commandRoute(command: IssueCommandName) {
  return createRoute({
    method: "post",
    path: `/{id}/${command}`,
    operationId: `${command}Issue`,
    tags: ["issues"],
    security: callerSecurity,
    summary: summaries[command],
    request: {
      query: noQuerySchema,
      params: idParamsSchema,
      body: optionalJsonBody(command === "retry" ? retryRequestSchema : commandRequestSchema),
    },
    responses: {
      200: jsonContent(issueDetailSchema, "The issue as it is now"),
      ...bodyProblems("not_found", "conflict", ...(command === "retry" ? (["model_not_allowed"] as const) : [])),
    },
  });
}

/** What a retry replays; nothing when it does again what failed. */
function replayOf({ fromStep, jobId, attempt, model, note }: RetryRequest): { readonly replay?: ReplayOrder } {
  if (fromStep === undefined) return {};
  const where = { fromStep, jobId: jobId ?? null, attempt: attempt ?? null };
  return { replay: { ...where, model: model ?? null, note: note === undefined ? null : redactText(note) } };
}

/** `POST /:id/cancel`, `/pause`, `/resume` and `/retry`, for the issue's submitter and for reviewers. */
export function commandRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  const routes = new OpenAPIHono<CallerEnv>();
  for (const command of issueCommands) {
    routes.openapi(commandRoute(command), async (c) => {
      const { organizationId, visibility, authority, actor } = tenantAccess(c.var.caller);
      const { id: issueId } = c.req.valid("param");
      if (!isId("issue", issueId)) throw issueNotFound();
      const request: RetryRequest = c.req.valid("json");
      const reason = request.reason === undefined ? null : redactText(request.reason);
      const order = { organizationId, issueId, visibility, authority, command, actor, reason, ...replayOf(request) };
      const outcome = await commandLiveOrArchived(
        ports,
        (about) => ports.objects.organization(organizationId).commandIssue({ ...order, ...about }),
        (issues) => issues.read(organizationId, issueId, visibility),
      );
      const detail = valueOf(outcome);
      c.var.log.info("issue commanded", { issueId, command, actor, status: detail.issue.status });
      return c.json(issueDetailView(detail), 200);
    });
  }
  return routes;
}
