/** What hangs off one issue, in pages: its steps, logs and artifacts. */
import type { Visibility } from "../contracts/caller.ts";
import type { ArtifactView, IssuePart, IssueRef, PartQuery, StepPosition } from "../contracts/organization-rpc.ts";
import type { LogRecord, StepRecord } from "../contracts/records.ts";
import type { Prisma } from "./generated/client.ts";
import type { TenantTransaction } from "./prisma-client.ts";
import { artifactView, logRecord, stepRecord } from "./rows-to-records.ts";

/** Issues that a viewer may know of. */
export function visibleTo(visibility: Visibility): Prisma.AgentIssueWhereInput {
  return visibility.kind === "all" ? {} : { createdById: { in: [...visibility.userIds] } };
}

/** A page of what `read` finds, asked for one more than it may hold; null for an issue that is not the viewer's to know of. */
async function partOf<Item>(
  { agentIssue }: TenantTransaction,
  { organizationId, issueId, visibility, limit }: IssueRef & { readonly limit: number },
  read: (take: number) => Promise<readonly Item[]>,
): Promise<IssuePart<Item> | null> {
  const isThere = await agentIssue.count({ where: { organizationId, id: issueId, ...visibleTo(visibility) } });
  if (isThere === 0) return null;
  const found = await read(limit + 1);
  return { items: found.slice(0, limit), more: found.length > limit };
}

function afterStep({ jobId, attempt, number }: StepPosition): Prisma.AgentStepWhereInput {
  return {
    jobId: { gte: jobId },
    OR: [{ jobId: { gt: jobId } }, { attempt: { gt: attempt } }, { attempt, number: { gt: number } }],
  };
}

export async function listSteps(
  transaction: TenantTransaction,
  query: PartQuery<StepPosition>,
): Promise<IssuePart<StepRecord> | null> {
  const { organizationId, issueId, after } = query;
  return partOf(transaction, query, async (take) => {
    const rows = await transaction.agentStep.findMany({
      where: { organizationId, issueId, ...(after === null ? {} : afterStep(after)) },
      orderBy: [{ jobId: "asc" }, { attempt: "asc" }, { number: "asc" }],
      take,
    });
    return rows.map((row) => stepRecord(row));
  });
}

export async function listLogs(
  transaction: TenantTransaction,
  query: PartQuery<string>,
): Promise<IssuePart<LogRecord> | null> {
  const { organizationId, issueId, after } = query;
  return partOf(transaction, query, async (take) => {
    const where = { organizationId, issueId, id: { gt: after ?? "" } };
    const rows = await transaction.agentLog.findMany({ where, orderBy: { id: "asc" }, take });
    return rows.map((row) => logRecord(row));
  });
}

export async function listArtifacts(
  transaction: TenantTransaction,
  query: PartQuery<string>,
): Promise<IssuePart<ArtifactView> | null> {
  const { organizationId, issueId, after } = query;
  return partOf(transaction, query, async (take) => {
    const where = { organizationId, issueId, id: { gt: after ?? "" } };
    const rows = await transaction.agentArtifact.findMany({ where, orderBy: { id: "asc" }, take });
    return rows.map((row) => artifactView(row));
  });
}
