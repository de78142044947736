import { beforeAll, describe, expect, inject, it } from "vitest";
import { createProjection } from "../../src/db/projection.ts";
import { inTenant, withPrisma } from "../../src/db/prisma-client.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows, withClient } from "../support/database-fixture.ts";

const { urls } = inject("database");
const own = { organizationId: "", issueId: "" };
const foreign = { organizationId: "", issueId: "" };

/** An organization with a row in every table. */
async function populate(target: { organizationId: string; issueId: string }): Promise<void> {
  const { id: organizationId } = await newOrganization();
  const log = new EventLogFixture(organizationId);
  const issue = log.submit();
  const job = log.createJob(issue);
  log.recordStep(job, 1);
  log.writeLog(job);
  const artifact = log.createArtifact(job);
  log.openReview(artifact);
  log.createEffect(artifact);
  log.askQuestion(job);
  log.sendMessage(job);
  const opinion = { person: "user:1", givenBy: "user_1", rating: 3, outcome: "SOLVED", tags: [], comment: null };
  const times = { createdAtMs: issue.createdAtMs, updatedAtMs: issue.createdAtMs };
  log.append({
    type: "feedback.given",
    issueId: issue.id,
    data: { feedback: { issueId: issue.id, ...opinion, ...times } },
  });
  log.append({ type: "issue.status_changed", issueId: "iss_unknown", data: { from: "QUEUED", status: "FAILED" } });
  await createProjection(settingsOf("agents_app")).project(organizationId, log);
  Object.assign(target, { organizationId, issueId: issue.id });
}

async function ourTables(): Promise<readonly string[]> {
  const rows = await superuserRows<{ relname: string }>(
    `SELECT relname FROM pg_class
      WHERE relnamespace = 'agents'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_prisma_migrations'
      ORDER BY relname`,
  );
  return rows.map((row) => row.relname);
}

/** What the role sees of a table, over all organizations, in a transaction for one of them, or for none. */
async function organizationsSeen(
  connectionString: string,
  table: string,
  organizationId: string | null,
): Promise<readonly string[]> {
  return withClient(connectionString, async (client) => {
    await client.query("BEGIN");
    if (organizationId !== null)
      await client.query("SELECT set_config('app.organization_id', $1, true)", [organizationId]);
    const { rows } = await client.query<{ organizationId: string }>(
      `SELECT DISTINCT "organizationId" FROM agents."${table}"`,
    );
    await client.query("ROLLBACK");
    return rows.map((row) => row.organizationId);
  });
}

beforeAll(async () => {
  await populate(own);
  await populate(foreign);
});

describe("row-level security", () => {
  it("is forced on every table, and every table belongs to an organization", async () => {
    const rows = await superuserRows<{
      relname: string;
      isForced: boolean;
      hasOrganization: boolean;
      policies: string[];
    }>(
      `SELECT relname, relrowsecurity AND relforcerowsecurity AS "isForced",
              EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attname = 'organizationId' AND a.attnotnull) AS "hasOrganization",
              ARRAY(SELECT polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY polname) AS policies
         FROM pg_class c WHERE relnamespace = 'agents'::regnamespace AND relname = ANY($1)`,
      [await ourTables()],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toMatchObject({ isForced: true, hasOrganization: true });
      expect(row.policies).toEqual(expect.arrayContaining(["platform_read", "tenant"]));
    }
  });

  it("alone keeps a query without a filter to the transaction's organization, in every table", async () => {
    for (const table of await ourTables()) {
      const seen = {
        table,
        inOwn: await organizationsSeen(urls.agents_app, table, own.organizationId),
        inNone: await organizationsSeen(urls.agents_app, table, null),
        byOwner: await organizationsSeen(urls.agents_owner, table, null),
      };
      expect(seen).toEqual({ table, inOwn: [own.organizationId], inNone: [], byOwner: [] });
    }
  });

  it("keeps the application to it too when its own filter is gone", async () => {
    const seen = await withPrisma(settingsOf("agents_app"), async (prisma) =>
      inTenant(prisma, own.organizationId, async ({ agentIssue }) => ({
        all: await agentIssue.findMany(),
        foreign: await agentIssue.findMany({ where: { organizationId: foreign.organizationId } }),
        changed: await agentIssue.updateMany({ where: { id: foreign.issueId }, data: { title: "taken" } }),
      })),
    );
    expect(seen.all.map(({ id }) => id)).toEqual([own.issueId]);
    expect(seen.foreign).toEqual([]);
    expect(seen.changed.count).toBe(0);
  });

  it("refuses a row for another organization, and moving one there", async () => {
    await withClient(urls.agents_app, async (client) => {
      await client.query("SELECT set_config('app.organization_id', $1, false)", [own.organizationId]);
      const refusal = /violates row-level security policy/u;
      await expect(
        client.query(
          `INSERT INTO agents."AgentParkedEvent" ("organizationId", incarnation, seq, type, event, reason, "parkedAt")
           VALUES ($1, 'inc', 1, 't', '{}', 'r', now())`,
          [foreign.organizationId],
        ),
      ).rejects.toThrow(refusal);
      await expect(
        client.query(`UPDATE agents."AgentParkedEvent" SET "organizationId" = $1`, [foreign.organizationId]),
      ).rejects.toThrow(refusal);
    });
  });

  it("forgets the organization with the transaction", async () => {
    await withPrisma(settingsOf("agents_app"), async (prisma) => {
      await inTenant(prisma, own.organizationId, async ({ agentIssue }) => agentIssue.count());
      expect(await prisma.agentIssue.count()).toBe(0);
    });
  });

  it("cannot be got around by a key: a job cannot name another organization's issue", async () => {
    await expect(
      superuserRows(`UPDATE agents."AgentJob" SET "issueId" = $1 WHERE "organizationId" = $2`, [
        foreign.issueId,
        own.organizationId,
      ]),
    ).rejects.toThrow(/violates foreign key constraint/u);
  });
});
