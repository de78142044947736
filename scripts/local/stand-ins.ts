/** Starts a stand-in for every outside service that `.dev.vars` does not name, and says what the Worker must know of it. */
import path from "node:path";
import { startClaude, type ClaudeStandIn } from "./claude.ts";
import type { CleanupStack } from "./cleanup-stack.ts";
import type { DeveloperSettings } from "./developer-settings.ts";
import { startErp, type ErpStandIn } from "./erp.ts";
import { startGitHub, type GitHubStandIn } from "./github.ts";
import { startSlack, type SlackStandIn } from "./slack.ts";
import type { StackDatabase } from "./stack-database.ts";
import { startPart } from "./stack-error.ts";
import type { StackPorts } from "./stack-ports.ts";
import type { SigningKey } from "./state-directory.ts";
import { startSupabase, type SupabaseStandIn } from "./supabase.ts";
import type { WorkerSettings } from "./worker-settings.ts";

export interface StandInOptions {
  readonly ports: StackPorts;
  readonly stateDirectory: string;
  readonly signingKey: SigningKey;
  readonly developer: DeveloperSettings;
  /** Null when `.dev.vars` names a database. */
  readonly database: StackDatabase | null;
  readonly modelLatencyMs: number;
}

/** Null where the real thing is used, or (the ERP) where the stand-in has no tables to read. */
export interface StandIns {
  readonly claude: ClaudeStandIn | null;
  readonly gitHub: GitHubStandIn | null;
  readonly supabase: SupabaseStandIn | null;
  readonly slack: SlackStandIn;
  readonly erp: ErpStandIn | null;
}

/** Starts what is needed; each part that runs is handed to `cleanup`. Throws `StackError`. */
export async function startStandIns(options: StandInOptions, cleanup: CleanupStack): Promise<StandIns> {
  const { ports, developer, database } = options;
  const start = async <Part extends { close(): Promise<void> }>(
    name: string,
    launch: () => Promise<Part>,
  ): Promise<Part> => {
    const part = await startPart(name, launch);
    cleanup.push(() => part.close());
    return part;
  };
  const unlessReal = <Part>(isReal: boolean, launch: () => Promise<Part>): Promise<Part | null> =>
    isReal ? Promise.resolve(null) : launch();

  return {
    claude: await unlessReal(developer.real.has("claude"), () =>
      start("Claude stand-in", () => startClaude({ port: ports.claude, latencyMs: options.modelLatencyMs })),
    ),
    gitHub: await unlessReal(developer.real.has("gitHub"), () =>
      start("GitHub stand-in", () =>
        startGitHub({ port: ports.gitHub, stateFile: path.join(options.stateDirectory, "github", "state.json") }),
      ),
    ),
    supabase: await unlessReal(developer.real.has("supabase"), () =>
      start("Supabase stand-in", () => startSupabase({ port: ports.supabase, signingKey: options.signingKey })),
    ),
    slack: await start("Slack stand-in", () => startSlack({ port: ports.slack })),
    erp:
      database === null
        ? null
        : await start("ERP stand-in", () => startErp({ port: ports.erp, databaseUrl: database.adminUrl })),
  };
}

/** The settings by which the Worker reaches the stand-ins. */
export function standInSettings(standIns: StandIns, database: StackDatabase | null): WorkerSettings {
  const { claude, gitHub, supabase } = standIns;
  return {
    ...(database !== null && {
      DATABASE_URL: database.appUrl,
      DATABASE_PLATFORM_URL: database.platformUrl,
      DATABASE_RELAY: database.relayAddress,
    }),
    ...(claude !== null && { ANTHROPIC_API_KEY: "local-stand-in", ANTHROPIC_BASE_URL: claude.url }),
    ...(gitHub !== null && {
      GITHUB_TOKEN: gitHub.token,
      GITHUB_REPO_OWNER: gitHub.owner,
      GITHUB_REPO_NAME: gitHub.name,
      GITHUB_BASE_URL: gitHub.url,
    }),
    ...(supabase !== null && { SUPABASE_URL: supabase.url }),
  };
}
