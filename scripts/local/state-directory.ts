/** What the local stack keeps between runs: secrets of its own making, ports, and where the last run can be reached. */
import { randomBytes } from "node:crypto";
import { access, constants, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { z } from "zod";
import { removeDataDirectory } from "./reachable-places.ts";
import { StackError, systemErrorCode } from "./stack-error.ts";

/** ES256 private key as a JWK. */
const signingKeySchema = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});
export type SigningKey = z.infer<typeof signingKeySchema>;

const keptSchema = z.object({
  adminToken: z.string().min(32),
  passwords: z.object({
    admin: z.string(),
    owner: z.string(),
    app: z.string(),
    platform: z.string(),
    reader: z.string(),
  }),
  signingKey: signingKeySchema,
  /** Port of each part in the last run, so that addresses in stored rows stay right. */
  ports: z.record(z.string(), z.int()),
});
export type KeptState = z.infer<typeof keptSchema>;

/** How another process, such as `npm run demo:approve`, reaches the running stack. */
const runningSchema = z.object({
  url: z.url(),
  adminToken: z.string(),
  demoOrganizationId: z.string(),
  /** Null when `.dev.vars` names a real repository: its token stays there. */
  gitHub: z.object({ url: z.url(), token: z.string(), owner: z.string(), name: z.string() }).nullable(),
});
export type RunningStack = z.infer<typeof runningSchema>;

const keptFile = "state.json";
const runningFile = "running.json";
/** Everything that `--reset` removes; other files in the directory are not ours. */
const ownEntries = [keptFile, runningFile, "postgres", "worker", "github", "logs"];

/** Makes the directory when needed and proves that it can be written. Throws `StackError`. */
export async function prepareStateDirectory(directory: string): Promise<void> {
  try {
    await mkdir(path.join(directory, "logs"), { recursive: true });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === null) throw error;
    throw new StackError(`the state directory ${directory} cannot be written (${code})`, { cause: error });
  }
}

/** Removes what earlier runs left; the caller holds the lock. */
export async function resetStateDirectory(directory: string): Promise<void> {
  await removeDataDirectory(path.join(directory, "postgres"));
  for (const entry of ownEntries) await rm(path.join(directory, entry), { recursive: true, force: true });
  await prepareStateDirectory(directory);
}

/** The state of earlier runs, or a fresh one. Throws `StackError` when the file is damaged. */
export async function loadKeptState(directory: string): Promise<KeptState> {
  return (await readJson(path.join(directory, keptFile), keptSchema)) ?? (await newKeptState());
}

export async function saveKeptState(directory: string, state: KeptState): Promise<void> {
  await writeJson(path.join(directory, keptFile), state);
}

/** Null when no stack runs on this directory. Throws `StackError` when the file is damaged. */
export async function loadRunningStack(directory: string): Promise<RunningStack | null> {
  return readJson(path.join(directory, runningFile), runningSchema);
}

export async function saveRunningStack(directory: string, running: RunningStack): Promise<void> {
  await writeJson(path.join(directory, runningFile), running);
}

export async function clearRunningStack(directory: string): Promise<void> {
  await rm(path.join(directory, runningFile), { force: true });
}

async function newKeptState(): Promise<KeptState> {
  const secret = (): string => randomBytes(24).toString("base64url");
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    adminToken: secret(),
    passwords: { admin: secret(), owner: secret(), app: secret(), platform: secret(), reader: secret() },
    signingKey: signingKeySchema.parse(await exportJWK(privateKey)),
    ports: {},
  };
}

async function readJson<Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.infer<Schema> | null> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new StackError(`${file} is damaged: begin anew with npm start -- --reset`, { cause: error });
    }
    throw error;
  }
}

/** Whole or not at all: a crash leaves the old file. Readable by its owner only, because it holds secrets. */
async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value, null, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
