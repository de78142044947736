import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { idParamsSchema, isId, noQuerySchema } from "../../contracts/http.ts";
import { issueFilterOf, listIssuesQuerySchema } from "../../contracts/http-lists.ts";
import {
  artifactListSchema,
  issueDetailSchema,
  issueListSchema,
  logListSchema,
  stepListSchema,
} from "../../contracts/http-views.ts";
import type { IssueRef } from "../../contracts/organization-rpc.ts";
import type { IssueReader } from "../../contracts/ports.ts";
import type { CallerEnv } from "../edge-env.ts";
import { issueNotFound, listIssues, readIssuePart } from "../issue-reads.ts";
import { encodeCursor, positionOf } from "../list-page.ts";
import { tenantAccess, type TenantAccess } from "../permissions.ts";
import { singleRead } from "../middleware/single-read.ts";
import type { AppPorts, EdgeOrganization } from "../ports.ts";
import { artifactView, issueDetailView, issueView, logView, stepView } from "../views.ts";
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

const stepsRoute = createRoute({
  method: "get",
  path: "/{id}/steps",
  operationId: "listSteps",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List the steps of an issue's jobs",
  request: { query: noQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(stepListSchema, "Steps in order"), ...callerProblems("not_found") },
});

const logsRoute = createRoute({
  method: "get",
  path: "/{id}/logs",
  operationId: "listLogs",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List what an issue's jobs logged",
  request: { query: noQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(logListSchema, "Log lines in order"), ...callerProblems("not_found") },
});

const artifactsRoute = createRoute({
  method: "get",
  path: "/{id}/artifacts",
  operationId: "listArtifacts",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List the results of an issue's jobs",
  request: { query: noQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(artifactListSchema, "Artifacts with their contents"), ...callerProblems("not_found") },
});

function issueRef(access: TenantAccess, issueId: string): IssueRef {
  if (!isId("issue", issueId)) throw issueNotFound();
  return { organizationId: access.organizationId, issueId, visibility: access.visibility };
}

/** Items of one issue. In Postgres the issue itself is read first: whether it may be seen is told by its row. */
function listPart<Item>(
  ports: AppPorts,
  ref: IssueRef,
  sources: {
    readonly object: (organization: EdgeOrganization) => Promise<readonly Item[] | null>;
    readonly postgres: (issues: IssueReader) => Promise<readonly Item[]>;
  },
): Promise<readonly Item[]> {
  const { organizationId, issueId, visibility } = ref;
  return readIssuePart<readonly Item[]>(ports, {
    object: () => sources.object(ports.objects.organization(organizationId)),
    postgres: async (issues) => {
      const issue = await issues.read(organizationId, issueId, visibility);
      return issue === null ? null : sources.postgres(issues);
    },
  });
}

/** `GET /`, `GET /:id` and what hangs off one issue. */
export function issueRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  const refOf = (c: Context<CallerEnv>, issueId: string): IssueRef => issueRef(tenantAccess(c.var.caller), issueId);

  return new OpenAPIHono<CallerEnv>()
    .openapi(listRoute, async (c) => {
      const { cursor, limit, ...wanted } = c.req.valid("query");
      const query = { filter: issueFilterOf(wanted), before: positionOf(cursor), limit };
      const page = await listIssues(ports, tenantAccess(c.var.caller), query, c.var.log);
      const nextCursor = page.next === null ? null : encodeCursor(page.next);
      return c.json({ items: page.items.map(issueView), nextCursor, partial: page.partial }, 200);
    })
    .openapi(readRoute, async (c) => {
      const ref = refOf(c, c.req.valid("param").id);
      const detail = await readIssuePart(ports, {
        object: () => ports.objects.organization(ref.organizationId).readIssue(ref),
        postgres: (issues) => issues.read(ref.organizationId, ref.issueId, ref.visibility),
      });
      return c.json(issueDetailView(detail), 200);
    })
    .openapi(stepsRoute, async (c) => {
      const ref = refOf(c, c.req.valid("param").id);
      const steps = await listPart(ports, ref, {
        object: (organization) => organization.listSteps(ref),
        postgres: (issues) => issues.listSteps(ref.organizationId, ref.issueId),
      });
      return c.json({ items: steps.map(stepView) }, 200);
    })
    .openapi(logsRoute, async (c) => {
      const ref = refOf(c, c.req.valid("param").id);
      const logs = await listPart(ports, ref, {
        object: (organization) => organization.listLogs(ref),
        postgres: (issues) => issues.listLogs(ref.organizationId, ref.issueId),
      });
      return c.json({ items: logs.map(logView) }, 200);
    })
    .openapi(artifactsRoute, async (c) => {
      const ref = refOf(c, c.req.valid("param").id);
      const artifacts = await listPart(ports, ref, {
        object: (organization) => organization.listArtifacts(ref),
        postgres: (issues) => issues.listArtifacts(ref.organizationId, ref.issueId),
      });
      return c.json({ items: artifacts.map(artifactView) }, 200);
    });
}
