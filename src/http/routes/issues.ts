import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { idParamsSchema, isId, noQuerySchema } from "../../contracts/http.ts";
import { issueFilterOf, listIssuesQuerySchema } from "../../contracts/http-lists.ts";
import { issueDetailSchema, issueListSchema } from "../../contracts/http-views.ts";
import type { IssueRef } from "../../contracts/organization-rpc.ts";
import type { CallerEnv } from "../edge-env.ts";
import { issueNotFound, listIssues, readIssuePart } from "../issue-reads.ts";
import { nextCursorOf, positionOf } from "../list-page.ts";
import { tenantAccess, type TenantAccess } from "../permissions.ts";
import { singleRead } from "../middleware/single-read.ts";
import type { AppPorts } from "../ports.ts";
import { issueDetailView, issueView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent, singleContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/",
  operationId: "listIssues",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List issues, newest first",
  request: { query: listIssuesQuerySchema },
  responses: { 200: jsonContent(issueListSchema, "A page of issues"), ...callerProblems() },
});

const readRoute = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "readIssue",
  tags: ["issues"],
  security: callerSecurity,
  summary: "Read an issue with its jobs, reviews and effects",
  middleware: singleRead(),
  request: { query: noQuerySchema, params: idParamsSchema },
  responses: { ...singleContent(issueDetailSchema, "The issue"), ...callerProblems("not_found") },
});

/** The issue that a path names. Throws `not_found` for what has not the form of an id. */
export function issueRef(access: TenantAccess, issueId: string): IssueRef {
  if (!isId("issue", issueId)) throw issueNotFound();
  return { organizationId: access.organizationId, issueId, visibility: access.visibility };
}

/** `GET /` and `GET /:id`. */
export function issueRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  const refOf = (c: Context<CallerEnv>, issueId: string): IssueRef => issueRef(tenantAccess(c.var.caller), issueId);

  return new OpenAPIHono<CallerEnv>()
    .openapi(listRoute, async (c) => {
      const { cursor, limit, ...wanted } = c.req.valid("query");
      const query = { filter: issueFilterOf(wanted), before: positionOf(cursor), limit };
      const page = await listIssues(ports, tenantAccess(c.var.caller), query, c.var.log);
      const { items, next, partial } = page;
      return c.json({ items: items.map(issueView), nextCursor: nextCursorOf(next), partial }, 200);
    })
    .openapi(readRoute, async (c) => {
      const ref = refOf(c, c.req.valid("param").id);
      const detail = await readIssuePart(ports, {
        object: () => ports.objects.organization(ref.organizationId).readIssue(ref),
        postgres: (issues) => issues.read(ref.organizationId, ref.issueId, ref.visibility),
      });
      return c.json(issueDetailView(detail), 200);
    });
}
