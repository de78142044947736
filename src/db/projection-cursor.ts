/** How far an organization's log has been projected. The row is also the lock that only one projection at a time holds. */
import type { EventCursor } from "../contracts/events.ts";
import { AgentError } from "../core/errors.ts";
import { sqlStateOf } from "./database-failure.ts";
import type { TenantTransaction } from "./prisma-client.ts";

/** Stands for "nothing yet": no storage has such an incarnation. */
const nothingYet: EventCursor = { incarnation: "", seq: 0 };
const foreignKeyViolation = "23503";

/**
 * Takes the cursor and keeps it locked until the transaction ends; null when nothing was projected yet. Throws
 * `AgentError` `not_found` when the ERP has no such organization.
 */
export async function lockCursor(transaction: TenantTransaction, organizationId: string): Promise<EventCursor | null> {
  await beginCursor(transaction, organizationId);
  const [row] = await transaction.$queryRaw<{ incarnation: string; seq: bigint }[]>`
    SELECT incarnation, seq FROM agents."AgentProjection" WHERE "organizationId" = ${organizationId} FOR UPDATE`;
  if (row === undefined || row.incarnation === nothingYet.incarnation) return null;
  return { incarnation: row.incarnation, seq: Number(row.seq) };
}

export async function moveCursor(
  transaction: TenantTransaction,
  organizationId: string,
  { incarnation, seq }: EventCursor,
): Promise<void> {
  await transaction.agentProjection.update({
    where: { organizationId },
    data: { incarnation, seq, updatedAt: new Date() },
  });
}

async function beginCursor(transaction: TenantTransaction, organizationId: string): Promise<void> {
  const { incarnation, seq } = nothingYet;
  try {
    await transaction.$executeRaw`
      INSERT INTO agents."AgentProjection" ("organizationId", incarnation, seq, "updatedAt")
      VALUES (${organizationId}, ${incarnation}, ${seq}, now()) ON CONFLICT DO NOTHING`;
  } catch (error) {
    if (sqlStateOf(error) !== foreignKeyViolation) throw error;
    throw new AgentError({ code: "not_found", detail: "The ERP has no such organization." }, { cause: error });
  }
}
