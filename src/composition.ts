/** The one place that turns bindings into ports. Everything below takes what it needs as arguments. */
import { createHmac } from "node:crypto";
import { version } from "../package.json";
import { createAgentPort } from "./agents/work-plan.ts";
import type { GitHubPort } from "./contracts/ports.ts";
import { systemClock } from "./core/clock.ts";
import { createLogger } from "./core/log.ts";
import { runCron } from "./cron/run-cron.ts";
import { createDatabaseCheck } from "./db/database-check.ts";
import { createIdentityPort } from "./db/identity.ts";
import type { DatabaseSettings } from "./db/neon-driver.ts";
import { createUsageReader } from "./db/usage-reader.ts";
import { createPlatformLogReader } from "./db/platform-logs.ts";
import { createObjectClients, forwardLiveUpgrade, forwardPlatformUpgrade } from "./durable-objects/clients.ts";
import { parseSettings, SettingsError, type Settings } from "./env.ts";
import { createApp, createMisconfiguredApp } from "./http/app.ts";
import type { AppPorts, Release } from "./http/ports.ts";
import { createAnthropicModel } from "./integrations/anthropic/model-port.ts";
import { createGitHubPort } from "./integrations/github/create-github-port.ts";
import { createSupabaseTokens, type SignaturePolicy } from "./integrations/supabase/access-tokens.ts";
import type { QueueBatch } from "./queues/deliveries.ts";
import { consumeDeadLetters } from "./queues/dead-letters.ts";
import { consumeEffects } from "./queues/effects.ts";
import { consumeJobs } from "./queues/jobs.ts";
import { consumeRecords } from "./queues/records.ts";

/** What the Worker's handlers call. */
export interface Composition {
  fetch(request: Request): Promise<Response>;
  /** Runs a batch of whichever queue it came from. Throws for an unknown queue. */
  consume(batch: QueueBatch): Promise<void>;
  /** Throws for a Cron Trigger that has no work. */
  runCron(expression: string): Promise<void>;
}

/** A busy organization that the platform has not heard from for this many slot leases is woken. */
const overdueSlotLeases = 2;

const log = createLogger();
const clock = systemClock;
const compositions = new WeakMap<Env, Composition>();

/** The composition of these bindings, made once: its caches live as long as the isolate. */
export function composeOnce(env: Env): Composition {
  const known = compositions.get(env);
  if (known) return known;
  const composed = compose(env);
  compositions.set(env, composed);
  return composed;
}

function compose(env: Env): Composition {
  try {
    return composeWith(env, parseSettings(env));
  } catch (error) {
    if (error instanceof SettingsError) return misconfigured(error);
    throw error;
  }
}

/** Serves 503; messages and Cron Triggers fail, so that the platform delivers them again and shows them as failed. */
function misconfigured(settingsError: SettingsError): Composition {
  const app = createMisconfiguredApp(settingsError, { clock, log });
  const refuse = (): Promise<never> => Promise.reject(settingsError);
  return { fetch: async (request) => app.fetch(request), consume: refuse, runCron: refuse };
}

function composeWith(env: Env, settings: Settings): Composition {
  const objects = createObjectClients(env);
  const relay = settings.DATABASE_RELAY ?? null;
  const tenantDatabase: DatabaseSettings = { connectionString: settings.DATABASE_URL, relay };
  const platformDatabase: DatabaseSettings = { connectionString: settings.DATABASE_PLATFORM_URL, relay };
  const database = createDatabaseCheck(tenantDatabase);
  const gitHub = gitHubOf(settings);
  const model = createAnthropicModel({
    apiKey: settings.ANTHROPIC_API_KEY,
    baseUrl: settings.ANTHROPIC_BASE_URL,
    clock,
  });
  const { timings } = settings.scheduling;

  const app = createApp({
    objects,
    openLiveSocket: (upgrade, viewer) => forwardLiveUpgrade(env, upgrade, viewer),
    openPlatformSocket: (upgrade, viewer) => forwardPlatformUpgrade(env, upgrade, viewer),
    tokens: createSupabaseTokens({
      supabaseUrl: settings.SUPABASE_URL,
      signatures: signaturePolicyOf(settings),
      clock,
    }),
    identities: createIdentityPort(tenantDatabase),
    platformLogs: createPlatformLogReader(platformDatabase),
    issues: async () => (await import("./db/issue-reader.ts")).createIssueReader(tenantDatabase),
    usage: createUsageReader({ tenant: tenantDatabase, platform: platformDatabase }),
    database,
    adminTokens: settings.ADMIN_TOKENS,
    signingKeys: { tickets: signingKey(settings, "tickets"), sessions: signingKey(settings, "sessions") },
    allowedOrigins: new Set(settings.ALLOWED_ORIGINS),
    agents: createAgentPort(settings.AGENT_DEFAULT_MODEL),
    settingSwitches: settings.scheduling.settingSwitches,
    integrations: { github: gitHub !== null },
    release: releaseOf(env),
    clock,
    log,
  } satisfies AppPorts);

  const deadLetters = (batch: QueueBatch): Promise<void> => consumeDeadLetters({ logger: log }, batch);
  const consumers: Readonly<Record<string, (batch: QueueBatch) => Promise<void>>> = {
    "agent-jobs": (batch) =>
      consumeJobs(
        { objects, gitHub, model, clock, timings, defaultModel: settings.AGENT_DEFAULT_MODEL, logger: log },
        batch,
      ),
    "agent-records": async (batch) => {
      const { createProjection } = await import("./db/projection.ts");
      await consumeRecords({ objects, projection: createProjection(tenantDatabase), logger: log }, batch);
    },
    "agent-effects": (batch) => consumeEffects({ objects, gitHub, clock, timings, logger: log }, batch),
    "agent-jobs-dead": deadLetters,
    "agent-records-dead": deadLetters,
    "agent-effects-dead": deadLetters,
  };

  return {
    fetch: async (request) => app.fetch(request),
    consume: (batch) => consumerOf(batch.queue, consumers)(batch),
    runCron: (expression) =>
      runCron(
        {
          objects,
          database,
          retention: async () => (await import("./db/retention.ts")).createRetention(platformDatabase),
          pingGitHub: gitHubPing(settings, gitHub),
          overdueAfterMs: overdueSlotLeases * timings.slotLeaseMs,
          clock,
          log,
        },
        expression,
      ),
  };
}

/** Lanes `agent-jobs-0…9` are one queue to their consumer. */
function consumerOf(
  queue: string,
  consumers: Readonly<Record<string, (batch: QueueBatch) => Promise<void>>>,
): (batch: QueueBatch) => Promise<void> {
  const consumer = consumers[queue.replace(/-\d+$/u, "")];
  if (consumer === undefined) throw new Error(`no consumer for queue ${queue}`);
  return consumer;
}

/** Derived from a secret that every isolate of a deployment has, and that says nothing about it. */
function signingKey({ DATABASE_URL }: Settings, purpose: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", DATABASE_URL).update(`signing key for ${purpose}`).digest());
}

function signaturePolicyOf({ SUPABASE_JWT_SECRET: secret, SUPABASE_JWT_ALGORITHMS }: Settings): SignaturePolicy {
  if (secret !== undefined) return { kind: "legacy_secret", secret };
  return { kind: "published_keys", algorithms: SUPABASE_JWT_ALGORITHMS };
}

function gitHubOf({ gitHub }: Settings): GitHubPort | null {
  return gitHub && createGitHubPort({ token: gitHub.GITHUB_TOKEN, baseUrl: gitHub.GITHUB_BASE_URL, clock });
}

function gitHubPing({ gitHub }: Settings, port: GitHubPort | null): (() => Promise<void>) | null {
  if (gitHub === null || port === null) return null;
  return async () => {
    await port.defaultBranchHead({ owner: gitHub.GITHUB_REPO_OWNER, name: gitHub.GITHUB_REPO_NAME });
  };
}

function releaseOf({ VERSION_METADATA: { id, tag, timestamp } }: Env): Release {
  return { version, deploymentId: id, deploymentTag: tag, deployedAt: timestamp };
}
