/** Sums what model calls used and cost, by plain SQL over the ledger that the projection keeps. */
import type { Client } from "@neondatabase/serverless";
import { z } from "zod";
import type { UsageReader } from "../contracts/ports.ts";
import type { UsageDimension, UsagePage, UsageQuery } from "../contracts/usage.ts";
import { withConnection, type DatabaseSettings } from "./neon-driver.ts";

/** Text whose order is that of bytes, so that a page goes on where the last one ended whatever the database's collation. */
const keyExpressions: Readonly<Record<UsageDimension, string>> = {
  day: `to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  organization: `"organizationId"`,
  module: `"module"`,
  agent: `"agentType"`,
  model: `"model"`,
  job: `"jobId"`,
  step: `"jobId" || '/' || lpad("attempt"::text, 4, '0') || '/' || lpad("stepNumber"::text, 6, '0')`,
};

const count = z.coerce.number().int();
const rowSchema = z.object({
  keys: z.array(z.string()),
  calls: count,
  estimatedCalls: count,
  inputTokens: count,
  cacheWriteTokens: count,
  cacheReadTokens: count,
  outputTokens: count,
  costMicroUsd: count,
  estimatedMicroUsd: count,
});
const asOfSchema = z.object({ asOf: z.date().nullable() });

function statementOf({ organizationId, groupBy, after }: UsageQuery): string {
  const names = groupBy.map((_dimension, index) => `k${index}`);
  const keys = groupBy.map((dimension, index) => `(${keyExpressions[dimension]}) COLLATE "C" AS ${names[index]}`);
  const list = names.join(", ");
  const whose = organizationId === null ? "$1::text IS NULL" : `"organizationId" = $1`;
  const position =
    after === null ? "" : `WHERE (${list}) > (${after.map((_key, index) => `$${index + 5}`).join(", ")})`;
  return `
    SELECT ARRAY[${list}] AS keys,
           COUNT(*) AS calls, COUNT(*) FILTER (WHERE "isEstimate") AS "estimatedCalls",
           SUM("inputTokens") AS "inputTokens", SUM("cacheWriteTokens") AS "cacheWriteTokens",
           SUM("cacheReadTokens") AS "cacheReadTokens", SUM("outputTokens") AS "outputTokens",
           SUM("costMicroUsd") AS "costMicroUsd",
           COALESCE(SUM("costMicroUsd") FILTER (WHERE "isEstimate"), 0) AS "estimatedMicroUsd"
      FROM (SELECT *, ${keys.join(", ")} FROM agents."AgentModelCall"
             WHERE ${whose} AND "at" >= $2 AND "at" < $3) AS calls
     ${position} GROUP BY ${list} ORDER BY ${list} LIMIT $4`;
}

async function sum(client: Client, query: UsageQuery): Promise<UsagePage> {
  const { organizationId, sinceMs, untilMs, after, limit } = query;
  await client.query("BEGIN READ ONLY");
  await client.query("SELECT set_config('app.organization_id', $1, true)", [organizationId ?? ""]);
  const times = [new Date(sinceMs).toISOString(), new Date(untilMs).toISOString()];
  const bindings = [organizationId, ...times, limit, ...(after ?? [])];
  const { rows } = await client.query<object>(statementOf(query), bindings);
  const asOf = await client.query<object>(
    `SELECT MAX("updatedAt") AS "asOf" FROM agents."AgentProjection" WHERE $1::text IS NULL OR "organizationId" = $1`,
    [organizationId],
  );
  await client.query("COMMIT");
  return {
    rows: rows.map((row) => rowSchema.parse(row)),
    asOfMs: asOfSchema.parse(asOf.rows[0]).asOf?.getTime() ?? null,
  };
}

/**
 * Within one organization it reads as the application, whom row-level security holds to that organization; over all of
 * them as the platform's role. Throws `AgentError` `unavailable` while Postgres cannot be reached.
 */
export function createUsageReader(settings: {
  readonly tenant: DatabaseSettings;
  readonly platform: DatabaseSettings;
}): UsageReader {
  return {
    sum: (query) =>
      withConnection(query.organizationId === null ? settings.platform : settings.tenant, (client) =>
        sum(client, query),
      ),
  };
}
