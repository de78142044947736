/** What the Prisma command line reads; `scripts/database/` tells the schema engine the same. */
import process from "node:process";
import { defineConfig } from "prisma/config";
import { agentsProject } from "./scripts/database/agents-project.ts";

const { schemaFile, migrationsDirectory, foreign } = agentsProject;

export default defineConfig({
  schema: schemaFile,
  migrations: { path: migrationsDirectory, initShadowDb: foreign?.scratchSql ?? "" },
  experimental: { externalTables: true },
  tables: { external: [...(foreign?.tables ?? [])] },
  enums: { external: [...(foreign?.enums ?? [])] },
  datasource: { url: process.env["DATABASE_OWNER_URL"] ?? "" },
});
