/** The Worker's settings in the local stack: the stand-ins' addresses, and over them what the developer set. */
import { createHash } from "node:crypto";
import { parseSchedulingSettings, parseSettings, SettingsError } from "../../src/env.ts";
import type { DeveloperSettings } from "./developer-settings.ts";
import { StackError } from "./stack-error.ts";

export type WorkerSettings = Readonly<Record<string, string>>;

const adminName = "local";

/** The settings of all timings, each divided; tests run the whole protocol faster this way. */
export function dividedTimings(divisor: number): WorkerSettings {
  const { timings } = parseSchedulingSettings({});
  return Object.fromEntries(
    Object.entries(timings).map(([name, ms]: [string, number]) => [
      settingName(name),
      String(Math.max(1, Math.round(ms / divisor))),
    ]),
  );
}

/**
 * Puts the settings together and proves that the Worker will take them. The local administrator's token joins those of
 * the developer. Throws `StackError` that names the wrong settings, never their values.
 */
export function workerSettings(parts: {
  readonly standIns: WorkerSettings;
  readonly developer: DeveloperSettings;
  readonly adminToken: string;
}): WorkerSettings {
  const { ADMIN_TOKENS: developersTokens, ...developers } = parts.developer.values;
  const ownToken = `${adminName}:${createHash("sha256").update(parts.adminToken).digest("hex")}`;
  const settings = {
    ...parts.standIns,
    ...developers,
    ADMIN_TOKENS: developersTokens === undefined ? ownToken : `${developersTokens},${ownToken}`,
  };
  requireValid(settings);
  return settings;
}

/** Proves that what the developer set is valid, before anything is started with it. Throws `StackError`. */
export function checkDeveloperSettings(developer: DeveloperSettings): void {
  requireValid({ ...anyStandIns, ...developer.values });
}

/** Valid settings in the place of stand-ins that do not run yet. */
const anyStandIns: WorkerSettings = {
  ANTHROPIC_API_KEY: "stand-in",
  DATABASE_URL: "postgresql://stand-in",
  DATABASE_PLATFORM_URL: "postgresql://stand-in",
  SUPABASE_URL: "http://stand-in",
  ADMIN_TOKENS: `${adminName}:${"0".repeat(64)}`,
};

function requireValid(settings: WorkerSettings): void {
  try {
    parseSettings(settings);
  } catch (error) {
    if (error instanceof SettingsError) throw new StackError(`.dev.vars: ${error.message}`, { cause: error });
    throw error;
  }
}

/** `leaseMs` is set by `LEASE_MS`. */
function settingName(timing: string): string {
  return timing.replaceAll(/[A-Z]/gu, (letter) => `_${letter}`).toUpperCase();
}
