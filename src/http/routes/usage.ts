import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import {
  decodeUsageCursor,
  encodeUsageCursor,
  rangeProblem,
  usageListSchema,
  usageQuerySchema,
} from "../../contracts/http-usage.ts";
import { cacheShareOf, type UsageDimension, type UsageRow } from "../../contracts/usage.ts";
import { isoTime } from "../../core/clock.ts";
import type { CallerEnv } from "../edge-env.ts";
import { tenantAccess } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { InvalidRequestError } from "../problems.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonContent } from "./json-content.ts";
import { callerProblems } from "./problem-responses.ts";

const usageRoute = createRoute({
  method: "get",
  path: "/usage",
  operationId: "readUsage",
  tags: ["organization"],
  security: callerSecurity,
  summary: "Sum what model calls used and cost",
  request: { query: usageQuerySchema },
  responses: {
    200: jsonContent(usageListSchema, "Sums in ascending order of what they are grouped by"),
    ...callerProblems(),
  },
});

const defaultRangeMs = 30 * 24 * 60 * 60 * 1_000;

type UsageItem = z.infer<typeof usageListSchema>["items"][number];

function keyField(dimension: UsageDimension, key: string): Partial<UsageItem> {
  switch (dimension) {
    case "day":
      return { day: key };
    case "organization":
      return { organizationId: key };
    case "module":
      return { module: key };
    case "agent":
      return { agentType: key };
    case "model":
      return { model: key };
    case "job":
      return { jobId: key };
    case "step":
  }
  const [jobId = "", attempt = "", number = ""] = key.split("/");
  return { step: { jobId, attempt: Number(attempt), number: Number(number) } };
}

function usageItem({ keys, ...sums }: UsageRow, groupBy: readonly UsageDimension[]): UsageItem {
  const item: UsageItem = { ...sums, cacheShare: cacheShareOf(sums) };
  for (const [index, dimension] of groupBy.entries()) Object.assign(item, keyField(dimension, keys[index] ?? ""));
  return item;
}

function positionOf(cursor: string | undefined, groupBy: readonly UsageDimension[]): readonly string[] | null {
  if (cursor === undefined) return null;
  const keys = decodeUsageCursor(cursor, groupBy);
  if (keys !== null) return keys;
  throw new InvalidRequestError([{ field: "cursor", message: "is not a cursor of this list" }]);
}

/**
 * `GET /usage`: of the caller's organization; of all of them for a platform administrator who names none. What has happened
 * since `asOf` is missing.
 */
export function usageRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>().openapi(usageRoute, async (c) => {
    const { caller } = c.var;
    const { groupBy, since, until, cursor, limit } = c.req.valid("query");
    const isOfAll = caller.kind === "platform" && caller.organizationId === null;
    const untilMs = until === undefined ? ports.clock.nowMs() : Date.parse(until);
    const sinceMs = since === undefined ? untilMs - defaultRangeMs : Date.parse(since);
    const problem = rangeProblem(sinceMs, untilMs);
    if (problem !== null) throw new InvalidRequestError([problem]);
    const { rows, asOfMs } = await ports.usage.sum({
      organizationId: isOfAll ? null : tenantAccess(caller).organizationId,
      sinceMs,
      untilMs,
      groupBy,
      after: positionOf(cursor, groupBy),
      limit: limit + 1,
    });
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const items = shown.map((row) => usageItem(row, groupBy));
    const nextCursor = last === undefined ? null : encodeUsageCursor(last.keys);
    return c.json({ items, nextCursor, asOf: asOfMs === null ? null : isoTime(asOfMs) }, 200);
  });
}
