/** Prisma's own schema engine in its WebAssembly form: the same answers as the command line, without a download. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import {
  SchemaEngine,
  type DiagnoseMigrationHistoryOutput,
  type DiffTarget,
  type MigrationList,
  type SchemaContainer,
  type SchemaFilter,
} from "@prisma/schema-engine-wasm";
import { Client } from "pg";
import { openEngineAdapters } from "./engine-adapter.ts";

/** A Prisma schema with its migrations. */
export interface MigrationProject {
  /** Absolute paths. */
  readonly schemaFile: string;
  readonly migrationsDirectory: string;
  /** The PostgreSQL schema of unqualified names and of `_prisma_migrations`. */
  readonly searchPath: string;
  /** What others manage beside it in the same database; null for a schema that knows of nobody else. */
  readonly foreign: {
    /** Everything in this PostgreSQL schema is theirs. */
    readonly schema: string;
    /** Their tables and enumerations in a scratch database, with the schema's name, and the SQL that makes them. */
    readonly tables: readonly string[];
    readonly enums: readonly string[];
    readonly scratchSql: string;
  } | null;
}

/** Applies what has not been applied yet, as `prisma migrate deploy` does; returns the names. */
export async function applyMigrations(project: MigrationProject, connectionString: string): Promise<readonly string[]> {
  await beginHistory(project, connectionString);
  return apply(project, connectionString, await readSchema(project), await readMigrations(project));
}

/**
 * Makes the table `_prisma_migrations` in the project's own schema. The engine looks for it in every schema that the
 * models name, so in ours it would take the ERP's for ours, and fail.
 */
export async function beginHistory(project: MigrationProject, connectionString: string): Promise<void> {
  const ownSchemaOnly = [{ path: "own-schema.prisma", content: 'datasource db {\n  provider = "postgresql"\n}\n' }];
  const migrations = await readMigrations(project);
  await apply(project, connectionString, ownSchemaOnly, { ...migrations, migrationDirectories: [] });
}

async function apply(
  project: MigrationProject,
  connectionString: string,
  schema: readonly SchemaContainer[],
  migrationsList: MigrationList,
): Promise<readonly string[]> {
  return withEngine(project, connectionString, schema, async (engine) => {
    const applied = await engine.applyMigrations({ migrationsList, filters: filtersOf(project) });
    return applied.appliedMigrationNames;
  });
}

/**
 * The SQL that leads from the migrations to the schema; null when they agree. The migrations run in a scratch database,
 * so the connection needs the right to create one.
 */
export async function missingMigrationSql(project: MigrationProject, connectionString: string): Promise<string | null> {
  return diff(project, connectionString, { tag: "migrations", ...(await readMigrations(project)) });
}

/** The SQL that would lead from a live database to the schema; null when they agree. */
export async function databaseDrift(project: MigrationProject, connectionString: string): Promise<string | null> {
  const files = await readSchema(project);
  const filters = await foreignObjects(project, connectionString);
  return diff(project, connectionString, { tag: "schemaDatasource", files, configDir: "/" }, filters);
}

/** What `prisma migrate status` knows: migrations that were edited, failed, or are missing on either side. */
export async function diagnoseHistory(
  project: MigrationProject,
  connectionString: string,
): Promise<DiagnoseMigrationHistoryOutput> {
  const migrationsList = await readMigrations(project);
  return withEngine(project, connectionString, await readSchema(project), async (engine) =>
    engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: filtersOf(project) }),
  );
}

async function diff(
  project: MigrationProject,
  connectionString: string,
  from: DiffTarget,
  filters: SchemaFilter = filtersOf(project),
): Promise<string | null> {
  const files = await readSchema(project);
  const to: DiffTarget = { tag: "schemaDatamodel", files };
  const request = { from, to, script: true, exitCode: true, filters };
  const { exitCode, stdout } = await withEngine(project, connectionString, files, async (engine) =>
    engine.diff(request),
  );
  const differs = 2;
  return exitCode === differs ? (stdout ?? "") : null;
}

async function withEngine<Result>(
  project: MigrationProject,
  connectionString: string,
  schema: readonly SchemaContainer[],
  work: (engine: SchemaEngine) => Promise<Result>,
): Promise<Result> {
  const datamodels = schema.map((file): [string, string] => [file.path, file.content]);
  const adapters = openEngineAdapters(connectionString, project.searchPath);
  const factory = bindMigrationAwareSqlAdapterFactory(adapters.factory);
  const engine = await SchemaEngine.new({ datamodels }, () => undefined, factory);
  try {
    return await work(engine);
  } catch (error) {
    // The engine names an error of the adapter by its number only; the first one is the cause.
    throw factory.errorRegistry.consumeError(0)?.error ?? withoutTrace(error);
  } finally {
    engine.free();
    await adapters.close();
  }
}

/** The engine's message is several lines, and followed by a trace of its own. */
function withoutTrace(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const [message = ""] = error.message.split(/\n\s+0: /u);
  return new Error(message.trim().replaceAll(/\s*\n\s*/gu, " "), { cause: error });
}

function filtersOf({ foreign }: MigrationProject): SchemaFilter {
  return { externalTables: [...(foreign?.tables ?? [])], externalEnums: [...(foreign?.enums ?? [])] };
}

/** In a live database others may add tables at any time: whatever is in their schema is left alone. */
async function foreignObjects({ foreign }: MigrationProject, connectionString: string): Promise<SchemaFilter> {
  if (foreign === null) return { externalTables: [], externalEnums: [] };
  const client = new Client(connectionString);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; kind: "table" | "enum" }>(
      `SELECT $1::text || '.' || relname AS name, 'table' AS kind
         FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p')
       UNION ALL
       SELECT $1::text || '.' || typname, 'enum' FROM pg_type WHERE typnamespace = $1::regnamespace AND typtype = 'e'`,
      [foreign.schema],
    );
    const named = (kind: string): string[] => rows.filter((row) => row.kind === kind).map((row) => row.name);
    return { externalTables: named("table"), externalEnums: named("enum") };
  } finally {
    await client.end();
  }
}

async function readSchema(project: MigrationProject): Promise<SchemaContainer[]> {
  return [{ path: project.schemaFile, content: await readFile(project.schemaFile, "utf8") }];
}

async function readMigrations(project: MigrationProject): Promise<MigrationList> {
  const baseDir = project.migrationsDirectory;
  const entries = await readdir(baseDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const file = "migration.sql";
  return {
    baseDir,
    lockfile: {
      path: "migration_lock.toml",
      content: await readFile(path.join(baseDir, "migration_lock.toml"), "utf8"),
    },
    shadowDbInitScript: project.foreign?.scratchSql ?? "",
    migrationDirectories: await Promise.all(
      names.sort().map(async (name) => ({
        path: name,
        migrationFile: {
          path: file,
          content: { tag: "ok" as const, value: await readFile(path.join(baseDir, name, file), "utf8") },
        },
      })),
    ),
  };
}
