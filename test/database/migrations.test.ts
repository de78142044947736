import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import { erpProject } from "../../demo/erp-database/erp-project.ts";
import { agentsProject } from "../../scripts/database/agents-project.ts";
import { createRoles } from "../../scripts/database/roles.ts";
import {
  applyMigrations,
  databaseDrift,
  diagnoseHistory,
  missingMigrationSql,
  type MigrationProject,
} from "../../scripts/database/schema-engine.ts";
import { inDatabase, superuserRows, withClient, withOwnDatabase } from "../support/database-fixture.ts";

const { superuserUrl, urls } = inject("database");

async function migrationNames(project: MigrationProject): Promise<readonly string[]> {
  const entries = await readdir(project.migrationsDirectory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

interface HistoryRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished: boolean;
  readonly rolled_back: boolean;
  readonly applied_steps_count: number;
  readonly logs: string | null;
}

async function historyOf(schema: "agents" | "public"): Promise<readonly HistoryRow[]> {
  return superuserRows<HistoryRow>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back,
            applied_steps_count, logs
       FROM ${schema}._prisma_migrations ORDER BY started_at`,
  );
}

/** The project as it was when it had its first `count` migrations; its schema is not asked for then. */
async function withFirstMigrations<Result>(
  project: MigrationProject,
  count: number,
  work: (project: MigrationProject) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), "migrations-"));
  try {
    for (const name of ["migration_lock.toml", ...(await migrationNames(project)).slice(0, count)]) {
      await cp(path.join(project.migrationsDirectory, name), path.join(directory, name), { recursive: true });
    }
    return await work({ ...project, migrationsDirectory: directory });
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The password is in the connection string that the suites were given. */
const passwords = {
  agents_owner: new URL(urls.agents_owner).password,
  agents_app: new URL(urls.agents_app).password,
  agents_platform: new URL(urls.agents_platform).password,
  agents_reader: new URL(urls.agents_reader).password,
};

describe.each([
  { name: "ours", project: agentsProject, schema: "agents" },
  { name: "the ERP's", project: erpProject, schema: "public" },
] as const)("migrations: $name", ({ project, schema }) => {
  it("lead exactly to the schema", async () => {
    expect(await missingMigrationSql(project, superuserUrl)).toBeNull();
  });

  it("leave a database without drift", async () => {
    expect(await databaseDrift(project, superuserUrl)).toBeNull();
  });

  it("have the names, checksums and history that `prisma migrate deploy` writes and accepts", async () => {
    const names = await migrationNames(project);
    expect(names.every((name) => /^\d{14}_[a-z0-9_]+$/u.test(name))).toBe(true);
    const lock = await readFile(path.join(project.migrationsDirectory, "migration_lock.toml"), "utf8");
    expect(lock).toMatch(/^provider = "postgresql"$/mu);

    const expected = await Promise.all(
      names.map(async (name) => ({
        migration_name: name,
        checksum: createHash("sha256")
          .update(await readFile(path.join(project.migrationsDirectory, name, "migration.sql")))
          .digest("hex"),
        finished: true,
        rolled_back: false,
        applied_steps_count: 1,
        logs: null,
      })),
    );
    expect(await historyOf(schema)).toEqual(expected);
    expect(await diagnoseHistory(project, superuserUrl)).toEqual({
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
      history: null,
    });
  });

  it("are applied once", async () => {
    const owner = schema === "agents" ? urls.agents_owner : superuserUrl;
    expect(await applyMigrations(project, owner)).toEqual([]);
  });
});

describe("two histories in one database", () => {
  it.each([
    { name: "ours before the ERP's later ones", agentsFirst: true },
    { name: "ours after the ERP's later ones", agentsFirst: false },
  ])("get on, $name", async ({ agentsFirst }) => {
    await withOwnDatabase(async (ownUrl) => {
      const ownerUrl = inDatabase(urls.agents_owner, new URL(ownUrl).pathname);
      const [firstName, ...laterNames] = await migrationNames(erpProject);
      await withFirstMigrations(erpProject, 1, async (first) => {
        expect(await applyMigrations(first, ownUrl)).toEqual([firstName]);
      });
      await createRoles(ownUrl, passwords);

      const applyOurs = async (): Promise<void> => {
        expect(await applyMigrations(agentsProject, ownerUrl)).toEqual(await migrationNames(agentsProject));
        expect(await databaseDrift(agentsProject, ownUrl)).toBeNull();
      };
      const applyTheirs = async (): Promise<void> => {
        expect(await applyMigrations(erpProject, ownUrl)).toEqual(laterNames);
        expect(await databaseDrift(erpProject, ownUrl)).toBeNull();
      };
      await (agentsFirst ? applyOurs() : applyTheirs());
      await (agentsFirst ? applyTheirs() : applyOurs());

      expect(await databaseDrift(erpProject, ownUrl)).toBeNull();
      expect(await databaseDrift(agentsProject, ownUrl)).toBeNull();
      expect((await diagnoseHistory(agentsProject, ownUrl)).history).toBeNull();
      expect((await diagnoseHistory(erpProject, ownUrl)).history).toBeNull();
    });
  });

  it("notices a change that no migration made", async () => {
    await withOwnDatabase(async (ownUrl) => {
      await applyMigrations(erpProject, ownUrl);
      await createRoles(ownUrl, passwords);
      await applyMigrations(agentsProject, inDatabase(urls.agents_owner, new URL(ownUrl).pathname));
      await withClient(ownUrl, async (client) => client.query(`ALTER TABLE agents."AgentIssue" DROP COLUMN "title"`));
      expect(await databaseDrift(agentsProject, ownUrl)).toContain(`ADD COLUMN     "title" TEXT NOT NULL`);
    });
  });

  it("leaves nothing behind when a migration fails in the middle", async () => {
    await withOwnDatabase(async (ownUrl) => {
      await applyMigrations(erpProject, ownUrl);
      await createRoles(ownUrl, passwords);
      const ownerUrl = inDatabase(urls.agents_owner, new URL(ownUrl).pathname);
      await withClient(ownUrl, async (client) => client.query(`REVOKE SELECT ON public.users FROM agents_owner`));
      await withClient(ownUrl, async (client) =>
        client.query(`REVOKE REFERENCES (id) ON public.organizations FROM agents_owner`),
      );
      await expect(applyMigrations(agentsProject, ownerUrl)).rejects.toThrow(/permission denied/u);
      const { rows } = await withClient(ownUrl, async (client) =>
        client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'agents'"),
      );
      expect(rows).toEqual([{ tablename: "_prisma_migrations" }]);
    });
  });
});

describe("issues from before lists could be searched", () => {
  it("are found by their words, agents and modules afterwards, and stay behind row-level security", async () => {
    await withOwnDatabase(async (ownUrl) => {
      await applyMigrations(erpProject, ownUrl);
      await createRoles(ownUrl, passwords);
      const ownerUrl = inDatabase(urls.agents_owner, new URL(ownUrl).pathname);
      const names = await migrationNames(agentsProject);
      const before = names.findIndex((name) => name.endsWith("_issue_lists"));
      await withFirstMigrations(agentsProject, before, (project) => applyMigrations(project, ownerUrl));
      await withClient(ownUrl, async (client) =>
        client.query(`
          INSERT INTO public.organizations (id, name, slug, "configKey", "updatedAt") VALUES ('org', 'o', 'o', 'o', now());
          INSERT INTO agents."AgentIssue" (id, "organizationId", source, type, priority, title, description, "externalId",
            context, status, "submitterLevel", "requestedAgentType", triage, "correlationId", "createdAt", "updatedAt")
          VALUES ('a', 'org', 'MANUAL', 'BUG', 'LOW', 'Café: STUCK', 'Zeit/Zeit', 'ERP-7', '{}', 'QUEUED', 'STAFF',
                  'briefs.status-workflow', NULL, 'req', now(), now()),
                 ('b', 'org', 'MANUAL', 'BUG', 'LOW', 'x', 'y', NULL, '{}', 'QUEUED', 'STAFF',
                  NULL, '{"module": "Time", "agent": "time.entries"}', 'req', now(), now())`),
      );
      await applyMigrations(agentsProject, ownerUrl);
      const { rows } = await withClient(ownUrl, async (client) =>
        client.query(`
          SELECT "agentType", module, (SELECT array_agg(word ORDER BY word) FROM unnest(words) word) AS words
            FROM agents."AgentIssue" JOIN agents."AgentIssueWords" ON "issueId" = id ORDER BY id`),
      );
      const words = ["7", "cafe", "erp", "stuck", "zeit"].map((word) => `org:${word}`);
      expect(rows).toEqual([
        { agentType: "briefs.status-workflow", module: "briefs", words },
        { agentType: "time.entries", module: "time", words: ["org:x", "org:y"] },
      ]);
      const { rows: unforced } = await withClient(ownUrl, async (client) =>
        client.query(`
          SELECT relname FROM pg_class WHERE relnamespace = 'agents'::regnamespace AND relkind = 'r'
             AND relname LIKE 'Agent%' AND NOT relforcerowsecurity`),
      );
      expect(unforced).toEqual([]);
    });
  });
});

describe("model calls from before the ledger of them", () => {
  it("are in it afterwards, with the agent and model of their jobs", async () => {
    await withOwnDatabase(async (ownUrl) => {
      await applyMigrations(erpProject, ownUrl);
      await createRoles(ownUrl, passwords);
      const ownerUrl = inDatabase(urls.agents_owner, new URL(ownUrl).pathname);
      const names = await migrationNames(agentsProject);
      const before = names.findIndex((name) => name.endsWith("_model_calls"));
      await withFirstMigrations(agentsProject, before, (project) => applyMigrations(project, ownerUrl));
      await withClient(ownUrl, async (client) =>
        client.query(`
          INSERT INTO public.organizations (id, name, slug, "configKey", "updatedAt") VALUES ('org', 'o', 'o', 'o', now());
          INSERT INTO agents."AgentIssue" (id, "organizationId", source, type, priority, title, description, context, status,
            "submitterLevel", "correlationId", "createdAt", "updatedAt")
          VALUES ('iss', 'org', 'MANUAL', 'BUG', 'LOW', 't', 'd', '{}', 'QUEUED', 'STAFF', 'req', now(), now());
          INSERT INTO agents."AgentJob" (id, "issueId", "organizationId", role, "agentType", model, "modelReason", status, config,
            "createdAt", "updatedAt")
          VALUES ('job', 'iss', 'org', 'work', 'briefs.status-workflow', 'sonnet', 'r', 'COMPLETED', '{}', now(), now());
          INSERT INTO agents."AgentStep" ("jobId", attempt, number, "issueId", kind, name, input, output, "isError",
            "startedAt", "durationMs", "inputTokens", "cacheWriteTokens", "cacheReadTokens", "outputTokens", "costMicroUsd",
            "organizationId")
          VALUES ('job', 1, 1, 'iss', 'model', 'm', '', '', false, '2026-11-02', 1, 1, 2, 3, 4, 5, 'org'),
                 ('job', 1, 2, 'iss', 'tool', 't', '', '', false, '2026-11-02', 1, NULL, NULL, NULL, NULL, 0, 'org')`),
      );
      await applyMigrations(agentsProject, ownerUrl);
      const { rows } = await withClient(ownUrl, async (client) =>
        client.query(`
          SELECT "jobId", "stepNumber", module, "agentType", model, "cacheReadTokens", "costMicroUsd"::int AS cost
            FROM agents."AgentModelCall"`),
      );
      const call = { jobId: "job", stepNumber: 1, cacheReadTokens: 3, cost: 5 };
      expect(rows).toEqual([{ ...call, module: "briefs", agentType: "briefs.status-workflow", model: "sonnet" }]);
      const { rows: unforced } = await withClient(ownUrl, async (client) =>
        client.query(`
          SELECT relname FROM pg_class WHERE relnamespace = 'agents'::regnamespace AND relkind = 'r'
             AND relname LIKE 'Agent%' AND NOT relforcerowsecurity`),
      );
      expect(unforced).toEqual([]);
    });
  });
});
