import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { idParamsSchema, isId } from "../../contracts/http.ts";
import { listPartQuerySchema } from "../../contracts/http-lists.ts";
import { artifactListSchema, logListSchema, stepListSchema } from "../../contracts/http-views.ts";
import type { ArtifactView, IssuePart, PartQuery, StepPosition } from "../../contracts/organization-rpc.ts";
import type { IssueReader } from "../../contracts/ports.ts";
import type { LogRecord } from "../../contracts/records.ts";
import type { IdKind } from "../../core/ids.ts";
import type { CallerEnv } from "../edge-env.ts";
import { readIssuePart } from "../issue-reads.ts";
import { foreignCursor } from "../list-page.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts, EdgeOrganization } from "../ports.ts";
import { artifactView, logView, stepView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { issueRef } from "./issues.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const stepsRoute = createRoute({
  method: "get",
  path: "/{id}/steps",
  operationId: "listSteps",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List the steps of an issue's jobs",
  request: { query: listPartQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(stepListSchema, "Steps in order"), ...callerProblems("not_found") },
});

const logsRoute = createRoute({
  method: "get",
  path: "/{id}/logs",
  operationId: "listLogs",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List what an issue's jobs logged",
  request: { query: listPartQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(logListSchema, "Log lines in order"), ...callerProblems("not_found") },
});

const artifactsRoute = createRoute({
  method: "get",
  path: "/{id}/artifacts",
  operationId: "listArtifacts",
  tags: ["issues"],
  security: callerSecurity,
  summary: "List the results of an issue's jobs",
  request: { query: listPartQuerySchema, params: idParamsSchema },
  responses: { 200: jsonContent(artifactListSchema, "Artifacts with their contents"), ...callerProblems("not_found") },
});

/** Artifacts bring their texts along. */
const artifactsAtOnce = 20;

const stepCursorPattern = /^(?<jobId>job_[0-9A-Z]{26})\.(?<attempt>\d{1,6})\.(?<number>\d{1,6})$/u;

function stepCursor({ jobId, attempt, number }: StepPosition): string {
  return `${jobId}.${attempt}.${number}`;
}

function stepPosition(cursor: string): StepPosition {
  const groups = stepCursorPattern.exec(cursor)?.groups;
  if (groups === undefined) throw foreignCursor();
  return { jobId: groups["jobId"] ?? "", attempt: Number(groups["attempt"]), number: Number(groups["number"]) };
}

/** A cursor that is the last item's id. */
function idPosition(kind: IdKind): (cursor: string) => string {
  return (cursor) => {
    if (!isId(kind, cursor)) throw foreignCursor();
    return cursor;
  };
}

interface PartSources<Position, Item> {
  readonly positionOf: (cursor: string) => Position;
  readonly cursorOf: (item: Item) => string;
  readonly object: (organization: EdgeOrganization, query: PartQuery<Position>) => Promise<IssuePart<Item> | null>;
  readonly postgres: (issues: IssueReader, query: PartQuery<Position>) => Promise<IssuePart<Item> | null>;
}

/** A page of what hangs off one issue: from the object while all of it is there, else from Postgres. */
async function readPart<Position, Item>(
  ports: AppPorts,
  c: Context<CallerEnv>,
  asked: { readonly id: string; readonly cursor?: string | undefined; readonly limit: number },
  sources: PartSources<Position, Item>,
): Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }> {
  const { cursor, limit, id } = asked;
  const ref = issueRef(tenantAccess(c.var.caller), id);
  const query = { ...ref, after: cursor === undefined ? null : sources.positionOf(cursor), limit };
  const { items, more } = await readIssuePart<IssuePart<Item>>(ports, {
    object: () => sources.object(ports.objects.organization(ref.organizationId), query),
    postgres: (issues) => sources.postgres(issues, query),
  });
  const last = more ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : sources.cursorOf(last) };
}

/** `GET /:id/steps`, `/logs` and `/artifacts`, oldest first. */
export function issuePartRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>()
    .openapi(stepsRoute, async (c) => {
      const asked = { ...c.req.valid("param"), ...c.req.valid("query") };
      const { items, nextCursor } = await readPart(ports, c, asked, {
        positionOf: stepPosition,
        cursorOf: stepCursor,
        object: (organization, query) => organization.listSteps(query),
        postgres: (issues, query) => issues.listSteps(query),
      });
      return c.json({ items: items.map(stepView), nextCursor }, 200);
    })
    .openapi(logsRoute, async (c) => {
      const asked = { ...c.req.valid("param"), ...c.req.valid("query") };
      const { items, nextCursor } = await readPart(ports, c, asked, {
        positionOf: idPosition("log"),
        cursorOf: (log: LogRecord) => log.id,
        object: (organization, query) => organization.listLogs(query),
        postgres: (issues, query) => issues.listLogs(query),
      });
      return c.json({ items: items.map(logView), nextCursor }, 200);
    })
    .openapi(artifactsRoute, async (c) => {
      const { limit, cursor } = c.req.valid("query");
      const asked = { ...c.req.valid("param"), cursor, limit: Math.min(limit, artifactsAtOnce) };
      const { items, nextCursor } = await readPart(ports, c, asked, {
        positionOf: idPosition("artifact"),
        cursorOf: (view: ArtifactView) => view.artifact.id,
        object: (organization, query) => organization.listArtifacts(query),
        postgres: (issues, query) => issues.listArtifacts(query),
      });
      return c.json({ items: items.map(artifactView), nextCursor }, 200);
    });
}
