/** What jobs of all organizations logged, for operators: read as the role `agents_platform`, and without Prisma. */
import { z } from "zod";
import type { PlatformLogPage, PlatformLogReader } from "../contracts/ports.ts";
import { logRecordSchema } from "../contracts/records.ts";
import { withConnection, type DatabaseSettings } from "./neon-driver.ts";

const rowSchema = logRecordSchema.extend({ organizationId: z.string(), issueId: z.string() });
const asOfSchema = z.object({ asOfMs: z.number().nullable() });

/** Throws `AgentError` `unavailable` while Postgres cannot be reached. */
export function createPlatformLogReader(settings: DatabaseSettings): PlatformLogReader {
  return {
    list: async (page) =>
      withConnection(settings, async (client) => {
        const { text, values } = logQuery(page);
        const { rows } = await client.query(text, values);
        const asOf = await client.query(
          `SELECT EXTRACT(EPOCH FROM max("updatedAt")) * 1000 AS "asOfMs" FROM agents."AgentProjection"
            WHERE $1::text IS NULL OR "organizationId" = $1`,
          [page.organizationId],
        );
        const { asOfMs } = asOfSchema.parse({ asOfMs: numberOf(asOf.rows[0]) });
        return { items: z.array(rowSchema).parse(rows), asOfMs };
      }),
  };
}

/** PostgreSQL's `numeric` comes as text. */
function numberOf(row: unknown): number | null {
  const { asOfMs } = z.object({ asOfMs: z.coerce.number().nullable() }).parse(row);
  return asOfMs === null ? null : Math.round(asOfMs);
}

function logQuery(page: PlatformLogPage): { readonly text: string; readonly values: unknown[] } {
  const { organizationId, levels, sinceMs, untilMs, before, limit } = page;
  const timeOf = (epochMs: number | null): string | null => (epochMs === null ? null : new Date(epochMs).toISOString());
  const values = [organizationId, levels, timeOf(sinceMs), timeOf(untilMs), timeOf(before?.createdAtMs ?? null)];
  return {
    text: `
      SELECT id, "jobId", "issueId", "organizationId", level, message, data,
             (EXTRACT(EPOCH FROM "timestamp") * 1000)::double precision AS "atMs"
        FROM agents."AgentLog"
       WHERE ($1::text IS NULL OR "organizationId" = $1)
         AND ($2::agents."LogLevel"[] IS NULL OR level = ANY ($2))
         AND "timestamp" >= COALESCE($3::timestamptz, '-infinity')
         AND "timestamp" < COALESCE($4::timestamptz, 'infinity')
         AND "timestamp" <= COALESCE($5::timestamptz, 'infinity')
         AND ($5 IS NULL OR ("timestamp", id) < ($5, $6))
       ORDER BY "timestamp" DESC, id DESC
       LIMIT $7`,
    values: [...values, before?.id ?? null, limit],
  };
}
