/** Ages out logs and steps across all organizations, as the role `agents_platform`. */
import type { Client } from "@neondatabase/serverless";
import type { RetentionPort } from "../contracts/ports.ts";
import { withConnection, type DatabaseSettings } from "./neon-driver.ts";

const dayMs = 24 * 60 * 60 * 1_000;

/** How long rows are kept, and how much one run deletes at most; the next run goes on. */
export interface RetentionLimits {
  readonly logsMs: number;
  readonly stepsMs: number;
  readonly batchRows: number;
  readonly batches: number;
}

export const retentionLimits: RetentionLimits = {
  logsMs: 30 * dayMs,
  stepsMs: 90 * dayMs,
  batchRows: 5_000,
  batches: 100,
};

const expiring = {
  logs: { table: "AgentLog", column: "timestamp" },
  steps: { table: "AgentStep", column: "startedAt" },
} as const;

/** Small batches, each its own transaction, so that no lock is held for long. Throws `AgentError` `unavailable`. */
export function createRetention(settings: DatabaseSettings, limits: RetentionLimits = retentionLimits): RetentionPort {
  return {
    deleteExpired: async ({ nowMs }) =>
      withConnection(settings, async (client) => ({
        logs: await deleteOlder(client, "logs", new Date(nowMs - limits.logsMs), limits),
        steps: await deleteOlder(client, "steps", new Date(nowMs - limits.stepsMs), limits),
      })),
  };
}

async function deleteOlder(
  client: Client,
  kind: keyof typeof expiring,
  before: Date,
  { batchRows, batches }: RetentionLimits,
): Promise<number> {
  const { table, column } = expiring[kind];
  const statement = `
    DELETE FROM agents."${table}" WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM agents."${table}" WHERE "${column}" < $1 ORDER BY "${column}" LIMIT $2))`;
  let deleted = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    const { rowCount } = await client.query(statement, [before.toISOString(), batchRows]);
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < batchRows) break;
  }
  return deleted;
}
