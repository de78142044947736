/**
 * `npm run db:diff [-- name]`: tells whether `prisma/schema.prisma` and `migrations/` agree. With a name, what is missing
 * becomes a new migration. Runs on a server of its own, so it needs no settings.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { startPostgres } from "../local/postgres.ts";
import { agentsProject } from "./agents-project.ts";
import { runScript } from "./run-script.ts";
import { missingMigrationSql } from "./schema-engine.ts";

async function missingSql(): Promise<string | null> {
  const scratch = await mkdtemp(path.join(tmpdir(), "migration-"));
  const dataDirectory = path.join(scratch, "data");
  // The server's user is another than the one who runs this.
  await chmod(scratch, 0o711);
  const server = await startPostgres({ dataDirectory, password: "scratch", durable: false });
  try {
    return await missingMigrationSql(agentsProject, server.url("postgres"));
  } finally {
    await server.stop();
    await rm(scratch, { recursive: true });
  }
}

/** Names a migration as Prisma does, by the second in UTC. */
function migrationName(words: string, now: Date): string {
  return `${now.toISOString().replaceAll(/\D/gu, "").slice(0, 14)}_${words.replaceAll(/\W+/gu, "_").toLowerCase()}`;
}

await runScript(async () => {
  const [words] = process.argv.slice(2);
  const sql = await missingSql();
  if (sql === null) return "Schema and migrations agree.";
  if (words === undefined) throw new Error(`The schema is ahead of the migrations:\n${sql}`);
  const directory = path.join(agentsProject.migrationsDirectory, migrationName(words, new Date()));
  await mkdir(directory);
  await writeFile(path.join(directory, "migration.sql"), sql);
  return `Wrote ${path.relative(process.cwd(), directory)}. Add grants and row-level security for new tables.`;
});
