/** Tries the real services that `.dev.vars` names, so that a wrong key is one line at the start and no riddle later. */
import Anthropic, { APIConnectionError, APIError } from "@anthropic-ai/sdk";
import { Client } from "pg";
import type { DeveloperSettings } from "./developer-settings.ts";
import { StackError, startPart } from "./stack-error.ts";

const answerWithinMs = 10_000;

/** Asks each real service once. Throws `StackError` for the first that refuses or does not answer. */
export async function checkRealParts({ values, real }: DeveloperSettings): Promise<void> {
  if (real.has("database")) {
    await startPart("DATABASE_URL", () => connectOnce(values["DATABASE_URL"] ?? ""));
    await startPart("DATABASE_PLATFORM_URL", () => connectOnce(values["DATABASE_PLATFORM_URL"] ?? ""));
  }
  if (real.has("supabase")) {
    await expectSuccess("SUPABASE_URL", `${values["SUPABASE_URL"] ?? ""}/auth/v1/.well-known/jwks.json`, {});
  }
  if (real.has("gitHub")) {
    const baseUrl = values["GITHUB_BASE_URL"] ?? "https://api.github.com";
    const repository = `${values["GITHUB_REPO_OWNER"] ?? ""}/${values["GITHUB_REPO_NAME"] ?? ""}`;
    const headers = { authorization: `Bearer ${values["GITHUB_TOKEN"] ?? ""}`, "user-agent": "spokestack-agents" };
    await expectSuccess("GITHUB_TOKEN", `${baseUrl}/repos/${repository}`, headers);
  }
  if (real.has("claude")) await listModels(values["ANTHROPIC_API_KEY"] ?? "", values["ANTHROPIC_BASE_URL"]);
}

async function connectOnce(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: answerWithinMs });
  await client.connect();
  await client.end();
}

async function expectSuccess(setting: string, url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(answerWithinMs) });
  } catch (error) {
    throw new StackError(`${setting}: ${host} cannot be reached`, { cause: error });
  }
  if (!response.ok) throw new StackError(`${setting}: ${host} answers ${response.status}`);
}

/** Listing models costs nothing and needs a valid key. */
async function listModels(apiKey: string, baseURL: string | undefined): Promise<void> {
  const client = new Anthropic({
    apiKey,
    maxRetries: 0,
    timeout: answerWithinMs,
    ...(baseURL === undefined ? {} : { baseURL }),
  });
  const { host } = new URL(client.baseURL);
  try {
    await client.models.list({ limit: 1 });
  } catch (error) {
    if (error instanceof APIConnectionError) {
      throw new StackError(`ANTHROPIC_API_KEY: ${host} cannot be reached`, { cause: error });
    }
    if (!(error instanceof APIError)) throw error;
    throw new StackError(`ANTHROPIC_API_KEY: ${host} answers ${String(error.status)}`, { cause: error });
  }
}
