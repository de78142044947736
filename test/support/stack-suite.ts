/** A local stack of a test file's own: fresh state, timings divided by ten, a gate before GitHub, tenants on demand. */
import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { organization, seedOrganization, type SeedOrganization } from "../../demo/erp-database/seed.ts";
import type { ApiCaller } from "../../scripts/local/api-client.ts";
import type { ClaudeStandIn } from "../../scripts/local/claude.ts";
import { setUpOrganizations } from "../../scripts/local/demo-run.ts";
import { noDeveloperSettings } from "../../scripts/local/developer-settings.ts";
import type { ErpStandIn } from "../../scripts/local/erp.ts";
import type { GitHubStandIn } from "../../scripts/local/github.ts";
import type { StackDatabase } from "../../scripts/local/stack-database.ts";
import { startStack } from "../../scripts/local/stack.ts";
import type { SupabaseStandIn } from "../../scripts/local/supabase.ts";
import type { WorkerControl } from "../../scripts/local/worker-control.ts";
import { watchContract } from "./stack-contract.ts";
import { openGate, type Gate } from "./stack-gate.ts";

export interface StackSuite {
  readonly worker: WorkerControl;
  readonly database: StackDatabase;
  readonly claude: ClaudeStandIn;
  readonly supabase: SupabaseStandIn;
  /** The stand-in itself, past the gate. */
  readonly gitHub: GitHubStandIn;
  /** What the Worker takes for GitHub. */
  readonly gitHubGate: Gate;
  /** The ERP's HTTP API. */
  readonly erp: ErpStandIn;
  /** Lines of the Worker's log so far. */
  readonly workerLog: readonly string[];
  /** A new organization in the ERP and in the platform's directory. */
  tenant(): Promise<Tenant>;
  stop(): Promise<void>;
}

export interface Tenant {
  readonly organization: SeedOrganization;
  /** The platform administrator, who acts for this organization. */
  readonly admin: ApiCaller;
  readonly staff: ApiCaller;
  readonly lead: ApiCaller;
  readonly freelancer: ApiCaller;
}

const timingDivisor = 10;

/** Starts a stack; `workerEntry` is another entry than the real one. */
export async function startStackSuite(options: { readonly workerEntry?: string } = {}): Promise<StackSuite> {
  const stateDirectory = await mkdtemp(path.join(os.tmpdir(), "spokestack-stack-"));
  // PostgreSQL, which root runs as another user, must get through.
  await chmod(stateDirectory, 0o711);
  const workerLog: string[] = [];
  const gates: Gate[] = [];
  const stack = await startStack({
    stateDirectory,
    reset: false,
    developer: noDeveloperSettings,
    workerPort: null,
    timingDivisor,
    modelLatencyMs: 0,
    durable: false,
    workerEntry: options.workerEntry ?? null,
    reroute: async (settings) => {
      const gate = await openGate(settings["GITHUB_BASE_URL"] ?? "");
      gates.push(gate);
      return { ...settings, GITHUB_BASE_URL: gate.url };
    },
    log: (_part, _level, line) => void workerLog.push(line),
    onWorkerLost: () => void workerLog.push("the Worker's process ended by itself"),
    signal: new AbortController().signal,
  });
  const { database, worker, adminToken } = stack;
  const { claude, supabase, gitHub, erp } = stack.standIns;
  const [gitHubGate] = gates;
  if (!database || !claude || !supabase || !gitHub || !erp || !gitHubGate)
    throw new Error("a test stack has no real parts");

  const contract = await watchContract(() => worker.url);
  return {
    worker,
    database,
    claude,
    supabase,
    gitHub,
    gitHubGate,
    erp,
    workerLog,
    tenant: () => mintTenant({ database, supabase, gitHub, url: worker.url, adminToken }),
    stop: async () => {
      await stack.stop();
      await gitHubGate.close();
      await rm(stateDirectory, { recursive: true });
      contract.stop();
    },
  };
}

async function mintTenant(parts: {
  readonly database: StackDatabase;
  readonly supabase: SupabaseStandIn;
  readonly gitHub: GitHubStandIn;
  readonly url: string;
  readonly adminToken: string;
}): Promise<Tenant> {
  const { url, supabase, gitHub } = parts;
  const minted = organization(`Suite ${randomUUID()}`);
  await seedOrganization(parts.database.adminUrl, minted);
  const admin = { url, token: parts.adminToken, organizationId: minted.id };
  const repository = { owner: gitHub.owner, name: gitHub.name };
  await setUpOrganizations(admin, [{ organizationId: minted.id, slug: minted.slug, repository }]);
  const caller = async ({ supabaseId, email }: SeedOrganization["users"]["STAFF"]): Promise<ApiCaller> => ({
    url,
    token: await supabase.accessToken({ subject: supabaseId, email, organizationId: minted.id }),
  });
  return {
    organization: minted,
    admin,
    staff: await caller(minted.users.STAFF),
    lead: await caller(minted.users.TEAM_LEAD),
    freelancer: await caller(minted.users.FREELANCER),
  };
}
