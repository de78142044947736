/** The table that says of every part whether it is real, and where it is. */
import pc from "picocolors";
import type { DeveloperSettings } from "./developer-settings.ts";
import type { Stack } from "./stack.ts";

interface Row {
  readonly part: string;
  readonly isReal: boolean;
  readonly what: string;
  readonly where: string;
}

/** The lines of the table. Of a real service only its host is shown, never a key. */
export function startupTable(stack: Stack, developer: DeveloperSettings): readonly string[] {
  const rows = rowsOf(stack, developer);
  const partWidth = Math.max(...rows.map((row) => row.part.length));
  const whatWidth = Math.max(...rows.map((row) => row.what.length));
  return rows.map((row) => {
    const kind = row.isReal ? pc.green("real    ") : pc.yellow("stand-in");
    return `  ${pc.bold(row.part.padEnd(partWidth))}  ${kind}  ${row.what.padEnd(whatWidth)}  ${pc.dim(row.where)}`;
  });
}

function rowsOf({ worker, database, standIns, settings, ports }: Stack, { real, values }: DeveloperSettings): Row[] {
  const { claude, gitHub, supabase, slack, erp } = standIns;
  const repository = `${settings["GITHUB_REPO_OWNER"] ?? ""}/${settings["GITHUB_REPO_NAME"] ?? ""}`;
  const rows: (Row | null)[] = [
    { part: "Worker", isReal: false, what: "local Cloudflare runtime", where: worker.url },
    {
      part: "PostgreSQL",
      isReal: real.has("database"),
      what: database === null ? "DATABASE_URL" : "PostgreSQL 18 from npm",
      where: database === null ? hostOf(values["DATABASE_URL"]) : `127.0.0.1:${ports.postgres}`,
    },
    {
      part: "Claude",
      isReal: claude === null,
      what: claude === null ? "ANTHROPIC_API_KEY" : "scripted model",
      where: claude?.url ?? hostOf(values["ANTHROPIC_BASE_URL"] ?? "https://api.anthropic.com"),
    },
    {
      part: "GitHub",
      isReal: gitHub === null,
      what: repository,
      where: gitHub?.url ?? hostOf(values["GITHUB_BASE_URL"] ?? "https://api.github.com"),
    },
    {
      part: "Supabase",
      isReal: supabase === null,
      what: supabase === null ? "SUPABASE_URL" : "signing keys",
      where: supabase?.url ?? hostOf(values["SUPABASE_URL"]),
    },
    erp === null ? null : { part: "ERP API", isReal: false, what: "briefs, over the seeded tables", where: erp.url },
    { part: "Slack", isReal: false, what: "Web API", where: slack.url },
  ];
  return rows.filter((row) => row !== null);
}

function hostOf(url: string | undefined): string {
  return url === undefined ? "" : new URL(url).host;
}
