/** The ERP's tables as the schema engine is told of them: in `public`, with migrations of their own. */
import path from "node:path";
import type { MigrationProject } from "../../scripts/database/schema-engine.ts";

export const erpProject: MigrationProject = {
  schemaFile: path.join(import.meta.dirname, "schema.prisma"),
  migrationsDirectory: path.join(import.meta.dirname, "migrations"),
  searchPath: "public",
  foreign: null,
};
