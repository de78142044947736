/** The Worker's settings: one schema, parsed once per isolate, from bindings that are text. */
import { z } from "zod";
import { modelNameSchema } from "./contracts/models.ts";
import { settingSwitches, type Switch } from "./contracts/switches.ts";
import type { Timings } from "./contracts/timings.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const durationMs = (defaultMs: number) => z.coerce.number().int().min(1).default(defaultMs);
const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** One `name:sha256(token)` of `ADMIN_TOKENS`. */
const adminTokenSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}$/u)
  .transform((text) => {
    const [name = "", sha256 = ""] = text.split(":");
    return { name, sha256 };
  });

/** As a browser writes it in `Origin`. */
const originSchema = z.url({ protocol: /^https?$/u }).refine((text) => new URL(text).origin === text);

/** A comma-separated list, without empty parts. */
const commaList = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

const gitHubSchema = z.object({
  GITHUB_TOKEN: z.string().min(1),
  GITHUB_REPO_OWNER: z.string().min(1),
  GITHUB_REPO_NAME: z.string().min(1),
  GITHUB_BASE_URL: z.url().default("https://api.github.com"),
});

const settingsSchema = z.object({
  ANTHROPIC_API_KEY: z.string().min(1),
  ANTHROPIC_BASE_URL: z.url().optional(),
  DATABASE_URL: z.string().startsWith("postgres"),
  DATABASE_PLATFORM_URL: z.string().startsWith("postgres"),
  /** `host:port` of a Neon-compatible WebSocket relay before a plain PostgreSQL; absent for Neon itself. */
  DATABASE_RELAY: z.string().min(1).optional(),
  SUPABASE_URL: z.url(),
  /** Algorithms of the published keys that are accepted. */
  SUPABASE_JWT_ALGORITHMS: commaList.pipe(z.array(z.enum(["ES256", "RS256"])).min(1)).prefault("ES256,RS256"),
  /** The project's legacy HS256 secret; with it that algorithm alone is accepted, and no key is fetched. */
  SUPABASE_JWT_SECRET: z.string().min(32).optional(),
  /** Origins of pages, beside the Worker's own, that may call the API and open live sockets. */
  ALLOWED_ORIGINS: commaList.pipe(z.array(originSchema)).prefault(""),
  ADMIN_TOKENS: commaList.pipe(z.array(adminTokenSchema).min(1)),
  PLATFORM_ORGANIZATION_ID: z.string().min(1).optional(),
  AGENT_DEFAULT_MODEL: modelNameSchema.default("sonnet"),
});

const schedulingSchema = z.object({
  LIVE_SOCKETS_PER_PERSON: z.coerce.number().int().min(1).default(20),
  LIVE_UNACKED_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(8 * 1024 * 1024),
  AGENT_ENABLED: flag.default(true),
  AGENT_DEBUG: flag.default(false),
  AGENT_MAX_CONCURRENCY: z.coerce.number().int().min(1).default(5),
  /** Waiting jobs of one organization beyond which it may not submit more. */
  AGENT_BACKLOG_MAX: z.coerce.number().int().min(1).default(10_000),
  /** Size of an organization's storage beyond which it may not submit more; what was admitted needs the rest. */
  AGENT_STORAGE_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(8 * 1024 ** 3),
  REVIEW_EXPIRES_AFTER_MS: durationMs(14 * 24 * 60 * minuteMs),
  QUESTION_EXPIRES_AFTER_MS: durationMs(7 * 24 * 60 * minuteMs),
  KEEP_PROJECTED_MS: durationMs(7 * 24 * 60 * minuteMs),
  LEASE_MS: durationMs(15 * secondMs),
  HEARTBEAT_MS: durationMs(5 * secondMs),
  RESEND_AFTER_MS: durationMs(30 * secondMs),
  RESEND_MAX_MS: durationMs(10 * minuteMs),
  OBJECT_RESEND_AFTER_MS: durationMs(secondMs / 2),
  OBJECT_RESEND_MAX_MS: durationMs(secondMs),
  SLOT_LEASE_MS: durationMs(90 * secondMs),
  SLOT_RENEW_MS: durationMs(30 * secondMs),
  CONTROL_POLL_MS: durationMs(25 * secondMs),
  MODEL_CALL_MAX_MS: durationMs(240 * secondMs),
  SLICE_MAX_MS: durationMs(10 * minuteMs),
  SLICE_ABORT_MS: durationMs(14 * minuteMs),
});

/** Every setting's name: what a settings file may hold. */
export const settingNames: readonly string[] = [settingsSchema, gitHubSchema, schedulingSchema].flatMap((schema) =>
  Object.keys(schema.shape),
);

type GitHubSettings = z.infer<typeof gitHubSchema>;

/** What the objects need; every part of it has a default. */
export interface SchedulingSettings {
  /** Switches that only a deploy can change. */
  readonly settingSwitches: readonly Switch[];
  readonly globalSlots: number;
  /** The most waiting jobs and storage of an organization that may still submit. */
  readonly ceilings: { readonly waitingJobs: number; readonly databaseBytes: number };
  readonly reviewExpiresAfterMs: number;
  /** How long an agent's question waits for an answer. */
  readonly questionExpiresAfterMs: number;
  /** How long an object keeps an event, and then the finished issue that it tells of, after it was projected. */
  readonly keepProjectedMs: number;
  /** Bounds of an object's live sockets. */
  readonly live: { readonly socketsPerPerson: number; readonly unackedMaxBytes: number };
  readonly timings: Timings;
}

export interface Settings extends z.infer<typeof settingsSchema> {
  /** Null when the integration is absent: pull requests are then switched off. */
  readonly gitHub: GitHubSettings | null;
  readonly scheduling: SchedulingSettings;
}

/** Bad settings. `keys` names them for the log; the message holds no value. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly keys: readonly string[];

  constructor(keys: readonly string[]) {
    super(`missing or invalid settings: ${keys.join(", ")}`);
    this.keys = keys;
  }
}

function parseOrThrow<Schema extends z.ZodType>(schema: Schema, bindings: object): z.infer<Schema> {
  const parsed = schema.safeParse(bindings);
  if (parsed.success) return parsed.data;
  throw new SettingsError([...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))].sort());
}

/** The settings of the scheduling protocol. Throws `SettingsError`. */
export function parseSchedulingSettings(bindings: object): SchedulingSettings {
  const parsed = parseOrThrow(schedulingSchema, bindings);
  return {
    globalSlots: parsed.AGENT_MAX_CONCURRENCY,
    ceilings: { waitingJobs: parsed.AGENT_BACKLOG_MAX, databaseBytes: parsed.AGENT_STORAGE_MAX_BYTES },
    settingSwitches: settingSwitches({ agentEnabled: parsed.AGENT_ENABLED, agentDebug: parsed.AGENT_DEBUG }),
    reviewExpiresAfterMs: parsed.REVIEW_EXPIRES_AFTER_MS,
    questionExpiresAfterMs: parsed.QUESTION_EXPIRES_AFTER_MS,
    keepProjectedMs: parsed.KEEP_PROJECTED_MS,
    live: { socketsPerPerson: parsed.LIVE_SOCKETS_PER_PERSON, unackedMaxBytes: parsed.LIVE_UNACKED_MAX_BYTES },
    timings: {
      leaseMs: parsed.LEASE_MS,
      heartbeatMs: parsed.HEARTBEAT_MS,
      resendAfterMs: parsed.RESEND_AFTER_MS,
      resendMaxMs: parsed.RESEND_MAX_MS,
      objectResendAfterMs: parsed.OBJECT_RESEND_AFTER_MS,
      objectResendMaxMs: parsed.OBJECT_RESEND_MAX_MS,
      slotLeaseMs: parsed.SLOT_LEASE_MS,
      slotRenewMs: parsed.SLOT_RENEW_MS,
      controlPollMs: parsed.CONTROL_POLL_MS,
      modelCallMaxMs: parsed.MODEL_CALL_MAX_MS,
      sliceMaxMs: parsed.SLICE_MAX_MS,
      sliceAbortMs: parsed.SLICE_ABORT_MS,
    },
  };
}

/** All settings. An integration's keys are complete or absent. Throws `SettingsError`, naming keys and no values. */
export function parseSettings(bindings: object): Settings {
  const parsed = parseOrThrow(settingsSchema, bindings);
  const gitHubKeys = Object.keys(gitHubSchema.shape).filter((key) => key !== "GITHUB_BASE_URL");
  const hasGitHub = gitHubKeys.some((key) => key in bindings);
  return {
    ...parsed,
    gitHub: hasGitHub ? parseOrThrow(gitHubSchema, bindings) : null,
    scheduling: parseSchedulingSettings(bindings),
  };
}
