/** `npm run db:migrate`: brings the schema `agents` up to date, as the role that `DATABASE_OWNER_URL` names. */
import { agentsProject } from "./agents-project.ts";
import { runScript, setting } from "./run-script.ts";
import { applyMigrations } from "./schema-engine.ts";

if (import.meta.main) {
  await runScript(async () => {
    const applied = await applyMigrations(agentsProject, setting("DATABASE_OWNER_URL"));
    return applied.length === 0 ? "The database is up to date." : `Applied ${applied.join(", ")}.`;
  });
}
