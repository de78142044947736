import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { idParamsSchema, isId, noQuerySchema, reviewDecisionRequestSchema } from "../../contracts/http.ts";
import { listReviewsQuerySchema } from "../../contracts/http-lists.ts";
import { reviewDetailViewSchema, reviewListSchema, reviewViewSchema } from "../../contracts/http-views.ts";
import { AgentError } from "../../core/errors.ts";
import { redactText } from "../../core/redaction/redact.ts";
import type { ReviewDetail } from "../../contracts/organization-rpc.ts";
import type { IssueReader } from "../../contracts/ports.ts";
import type { CallerEnv } from "../edge-env.ts";
import { commandLiveOrArchived, fromPostgresOnly, listReviews } from "../issue-reads.ts";
import { nextCursorOf, positionOf } from "../list-page.ts";
import { reviewerOf, tenantAccess } from "../permissions.ts";
import { singleRead } from "../middleware/single-read.ts";
import type { AppPorts } from "../ports.ts";
import { valueOf } from "../problems.ts";
import { artifactView, issueView, reviewView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent, singleContent } from "./json-content.ts";
import { bodyProblems, callerProblems } from "./problem-responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/reviews",
  operationId: "listReviews",
  tags: ["reviews"],
  security: callerSecurity,
  summary: "List reviews, newest first",
  request: { query: listReviewsQuerySchema },
  responses: { 200: jsonContent(reviewListSchema, "A page of reviews"), ...callerProblems() },
});

const readRoute = createRoute({
  method: "get",
  path: "/reviews/{id}",
  operationId: "readReview",
  tags: ["reviews"],
  security: callerSecurity,
  summary: "Read a review with the change that it is about",
  middleware: singleRead(),
  request: { query: noQuerySchema, params: idParamsSchema },
  responses: { ...singleContent(reviewDetailViewSchema, "The review"), ...callerProblems("not_found") },
});

const decideRoute = createRoute({
  method: "post",
  path: "/reviews/{id}",
  operationId: "decideReview",
  tags: ["reviews"],
  security: callerSecurity,
  summary: "Approve a change, reject it, or ask for another one",
  request: { query: noQuerySchema, params: idParamsSchema, body: jsonBody(reviewDecisionRequestSchema) },
  responses: { 200: jsonContent(reviewViewSchema, "The decided review"), ...bodyProblems("not_found", "conflict") },
});

function reviewNotFound(): AgentError {
  return new AgentError({ code: "not_found", detail: "There is no such review." });
}

function reviewId(text: string): string {
  if (!isId("review", text)) throw reviewNotFound();
  return text;
}

/** A review whose issue has left the object. */
async function archivedReview(
  issues: IssueReader,
  { organizationId, reviewId: id }: { readonly organizationId: string; readonly reviewId: string },
): Promise<ReviewDetail | null> {
  const detail = await issues.readByReview(organizationId, id);
  const review = detail?.reviews.find((each) => each.id === id);
  if (detail === null || review === undefined) return null;
  const artifact = await issues.readArtifact(organizationId, review.artifactId);
  return artifact === null ? null : { review, issue: detail.issue, artifact };
}

/** The review queue of an organization, and a person's decision on one review. */
export function reviewRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>()
    .openapi(listRoute, async (c) => {
      const { organizationId } = tenantAccess(c.var.caller);
      const { status, cursor, limit } = c.req.valid("query");
      const query = { organizationId, status: status ?? null, before: positionOf(cursor), limit };
      const { items, next, partial } = await listReviews(ports, query, c.var.log);
      return c.json({ items: items.map(reviewView), nextCursor: nextCursorOf(next), partial }, 200);
    })
    .openapi(readRoute, async (c) => {
      const { organizationId } = tenantAccess(c.var.caller);
      const query = { organizationId, reviewId: reviewId(c.req.valid("param").id) };
      const live = await ports.objects.organization(organizationId).readReview(query);
      const detail = live ?? (await fromPostgresOnly(ports, (issues) => archivedReview(issues, query)));
      if (detail === null) throw reviewNotFound();
      const { review, issue, artifact } = detail;
      return c.json({ ...reviewView(review), issue: issueView(issue), artifact: artifactView(artifact) }, 200);
    })
    .openapi(decideRoute, async (c) => {
      const access = tenantAccess(c.var.caller);
      const reviewer = reviewerOf(access);
      const { organizationId } = access;
      const id = reviewId(c.req.valid("param").id);
      const { note, ...request } = c.req.valid("json");
      const said = note === null ? null : redactText(note);
      const decision = { organizationId, reviewId: id, ...request, note: said, ...reviewer };
      const outcome = await commandLiveOrArchived(
        ports,
        (about) => ports.objects.organization(organizationId).decideReview({ ...decision, ...about }),
        (issues) => issues.readByReview(organizationId, id),
      );
      const review = valueOf(outcome);
      c.var.log.info("review decided", { reviewId: review.id, issueId: review.issueId, status: review.status });
      return c.json(reviewView(review), 200);
    });
}
