/** The local stack: PostgreSQL, the stand-ins and the Worker, for `npm start` and for the stack's tests alike. */
import path from "node:path";
import { createCleanupStack, type CleanupStack } from "./cleanup-stack.ts";
import type { DeveloperSettings } from "./developer-settings.ts";
import { checkRealParts } from "./real-parts.ts";
import { startDatabase, stopLeftDatabase, type StackDatabase } from "./stack-database.ts";
import { startPart } from "./stack-error.ts";
import type { LogLine } from "./stack-log.ts";
import { chooseStackPorts, type StackPorts } from "./stack-ports.ts";
import { standInSettings, startStandIns, type StandIns } from "./stand-ins.ts";
import {
  loadKeptState,
  prepareStateDirectory,
  resetStateDirectory,
  saveKeptState,
  type KeptState,
} from "./state-directory.ts";
import { lockState } from "./state-lock.ts";
import { startWorker, type WorkerControl } from "./worker-control.ts";
import { checkDeveloperSettings, dividedTimings, workerSettings, type WorkerSettings } from "./worker-settings.ts";

export interface StackOptions {
  /** Absolute path of what is kept between runs. */
  readonly stateDirectory: string;
  /** Begins anew. */
  readonly reset: boolean;
  readonly developer: DeveloperSettings;
  /** Null for the usual one, or any free one when that is taken. */
  readonly workerPort: number | null;
  /** 1 for the real timings of the scheduling protocol; tests divide them. */
  readonly timingDivisor: number;
  /** How long the scripted model takes for an answer. */
  readonly modelLatencyMs: number;
  /** Whether PostgreSQL's writes survive a crash of the machine. */
  readonly durable: boolean;
  /** Another entry of the Worker, for tests; null for the real one. */
  readonly workerEntry: string | null;
  /** Changes the stand-ins' settings before the Worker gets them, for tests that stand in between. */
  readonly reroute?: (settings: WorkerSettings) => Promise<WorkerSettings>;
  readonly log: LogLine;
  /** Told when the Worker's process ended without having been asked to. */
  readonly onWorkerLost: (worker: WorkerControl) => void;
  /** Gives up the start; what has been started is stopped again. */
  readonly signal: AbortSignal;
}

export interface Stack {
  /** Plain token of the local platform administrator. */
  readonly adminToken: string;
  readonly ports: StackPorts;
  readonly worker: WorkerControl;
  /** Null when `.dev.vars` names a database. */
  readonly database: StackDatabase | null;
  readonly standIns: StandIns;
  /** What the Worker was given. */
  readonly settings: WorkerSettings;
  /** Stops everything, the Worker first; resolves when all of it has ended. */
  stop(): Promise<void>;
}

const root = path.join(import.meta.dirname, "../..");

/** Starts the stack and resolves when the Worker's health answers. Throws `StackError` when a part cannot start. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const cleanup = createCleanupStack();
  try {
    return await startParts(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function startParts(options: StackOptions, cleanup: CleanupStack): Promise<Stack> {
  const { developer, signal, stateDirectory } = options;
  checkDeveloperSettings(developer);
  const { kept, ports } = await openState(options, cleanup);
  await checkRealParts(developer);
  signal.throwIfAborted();

  const database = developer.real.has("database") ? null : await startOwnDatabase(options, kept, ports, cleanup);
  signal.throwIfAborted();
  const { modelLatencyMs } = options;
  const standIns = await startStandIns(
    { ports, stateDirectory, signingKey: kept.signingKey, developer, database, modelLatencyMs },
    cleanup,
  );
  signal.throwIfAborted();

  const settings = await settingsOf(options, kept, standInSettings(standIns, database));
  const worker = await startPart("Worker", () =>
    startWorker(
      {
        configFile: path.join(root, "wrangler.toml"),
        entryFile: options.workerEntry,
        port: ports.worker,
        storageDirectory: path.join(stateDirectory, "worker"),
        settings,
        onLog: (level, line) => options.log("worker", level, line),
        signal,
      },
      options.onWorkerLost,
    ),
  );
  cleanup.push(() => worker.stop());
  signal.throwIfAborted();
  return { adminToken: kept.adminToken, ports, worker, database, standIns, settings, stop: () => cleanup.run() };
}

async function openState(
  options: StackOptions,
  cleanup: CleanupStack,
): Promise<{ readonly kept: KeptState; readonly ports: StackPorts }> {
  const { stateDirectory } = options;
  await prepareStateDirectory(stateDirectory);
  const lock = await lockState(stateDirectory);
  cleanup.push(() => lock.release());
  await startPart("PostgreSQL", () => stopLeftDatabase(stateDirectory));
  if (options.reset) await resetStateDirectory(stateDirectory);
  const kept = await loadKeptState(stateDirectory);
  const ports = await chooseStackPorts(kept.ports, options.workerPort);
  await saveKeptState(stateDirectory, { ...kept, ports });
  return { kept, ports };
}

async function startOwnDatabase(
  options: StackOptions,
  { passwords }: KeptState,
  ports: StackPorts,
  cleanup: CleanupStack,
): Promise<StackDatabase> {
  const { stateDirectory, durable } = options;
  const database = await startPart("PostgreSQL", () => startDatabase({ stateDirectory, ports, passwords, durable }));
  cleanup.push(() => database.close());
  return database;
}

async function settingsOf(options: StackOptions, kept: KeptState, standIns: WorkerSettings): Promise<WorkerSettings> {
  const timings = options.timingDivisor === 1 ? {} : dividedTimings(options.timingDivisor);
  const rerouted = options.reroute === undefined ? standIns : await options.reroute(standIns);
  return workerSettings({
    standIns: { ...timings, ...rerouted },
    developer: options.developer,
    adminToken: kept.adminToken,
  });
}
