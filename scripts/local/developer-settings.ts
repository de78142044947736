/** `.dev.vars`: a developer's own keys, each complete group of which replaces one stand-in by the real thing. */
import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { settingNames } from "../../src/env.ts";
import { StackError, systemErrorCode } from "./stack-error.ts";

/** The settings that together name one real service. */
const groups = {
  claude: ["ANTHROPIC_API_KEY"],
  gitHub: ["GITHUB_TOKEN", "GITHUB_REPO_OWNER", "GITHUB_REPO_NAME"],
  database: ["DATABASE_URL", "DATABASE_PLATFORM_URL"],
  supabase: ["SUPABASE_URL"],
} as const;

type RealPart = keyof typeof groups;

export interface DeveloperSettings {
  readonly values: Readonly<Record<string, string>>;
  /** Parts that the settings replace by the real thing. */
  readonly real: ReadonlySet<RealPart>;
}

export const noDeveloperSettings: DeveloperSettings = { values: {}, real: new Set() };

/** One `NAME=value`, quoted or not; a quoted value may hold line breaks. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:"(?:\\.|[^"\\])*"|'[^']*'|[^'"\n][^\n]*)?[ \t]*(?:#[^\n]*)?$/gmu;

/** Reads the file; an absent one is empty. Throws `StackError` for what is malformed, unknown or incomplete. */
export async function readDeveloperSettings(file: string): Promise<DeveloperSettings> {
  try {
    return parseDeveloperSettings(await readFile(file, "utf8"));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return noDeveloperSettings;
    if (code === null) throw error;
    throw new StackError(`.dev.vars cannot be read (${code})`, { cause: error });
  }
}

/** Parses the file's text. A name without a value counts as absent. Throws `StackError`. */
export function parseDeveloperSettings(text: string): DeveloperSettings {
  const lineNumber = firstMalformedLine(text);
  if (lineNumber !== null) throw new StackError(`.dev.vars, line ${lineNumber}: expected NAME=value`);

  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (!settingNames.includes(name)) throw new StackError(`.dev.vars: there is no setting ${name}`);
    if (value !== undefined && value !== "") values[name] = value;
  }
  return { values, real: realParts(values) };
}

function firstMalformedLine(text: string): number | null {
  const rest = text.replaceAll(assignment, (match) => match.replaceAll(/[^\n]/gu, ""));
  const index = rest.split("\n").findIndex((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  return index === -1 ? null : index + 1;
}

function realParts(values: Readonly<Record<string, string>>): ReadonlySet<RealPart> {
  const real = new Set<RealPart>();
  for (const part of ["claude", "gitHub", "database", "supabase"] as const) {
    const present = groups[part].filter((name) => name in values);
    const missing = groups[part].filter((name) => !(name in values));
    if (present.length > 0 && missing.length > 0) {
      throw new StackError(`.dev.vars: ${present.join(" and ")} needs ${missing.join(" and ")} too`);
    }
    if (missing.length === 0) real.add(part);
  }
  return real;
}
