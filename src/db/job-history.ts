import type { JobHistory } from "../contracts/ports.ts";
import type { TenantTransaction } from "./prisma-client.ts";

/** So many of the latest jobs are what an estimate is made from. */
const latestJobs = 50;

/** The medians of the organization's latest completed jobs of an agent on a model: one look-up by index. */
export async function jobHistory(
  transaction: TenantTransaction,
  organizationId: string,
  { agentType, model }: { readonly agentType: string; readonly model: string },
): Promise<JobHistory> {
  const [found] = await transaction.$queryRaw<
    { jobs: number; costMicroUsd: number | null; durationSeconds: number | null }[]
  >`
    SELECT
      COUNT(*)::int AS "jobs",
      percentile_cont(0.5) WITHIN GROUP (ORDER BY "costMicroUsd") AS "costMicroUsd",
      percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM "completedAt" - "startedAt")::float8) AS "durationSeconds"
    FROM (
      SELECT "costMicroUsd", "completedAt", "startedAt"
      FROM agents."AgentJob"
      WHERE "organizationId" = ${organizationId} AND "agentType" = ${agentType} AND "model" = ${model}
        AND "status" = 'COMPLETED' AND "startedAt" IS NOT NULL
      ORDER BY "completedAt" DESC
      LIMIT ${latestJobs}
    ) AS latest`;
  return found ?? { jobs: 0, costMicroUsd: null, durationSeconds: null };
}
