/** `npm start`: the local stack and the demo, until Ctrl-C. */
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import pc from "picocolors";
import { demoAdministrator, runDemo } from "./local/demo-session.ts";
import { readDeveloperSettings, type DeveloperSettings } from "./local/developer-settings.ts";
import { runCommand } from "./local/run-command.ts";
import { startStack, type Stack } from "./local/stack.ts";
import { openStackLog } from "./local/stack-log.ts";
import { parseStartOptions, startHelp, type StartOptions } from "./local/start-options.ts";
import { startupTable } from "./local/startup-table.ts";
import { clearRunningStack, saveRunningStack } from "./local/state-directory.ts";
import type { WorkerControl } from "./local/worker-control.ts";

const restartAfterMs = 1_000;
const interruptedExitCode = 130;

async function start(options: StartOptions): Promise<void> {
  const stopping = new AbortController();
  for (const signalName of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signalName, () => {
      // Who asks twice does not want to wait: parts that still run end with this process.
      if (stopping.signal.aborted) process.exit(interruptedExitCode);
      stopping.abort();
    });
  }
  const developer = await readDeveloperSettings(options.settingsFile);
  const log = openStackLog({
    directory: path.join(options.stateDirectory, "logs"),
    verbose: options.verbose,
    print: console.log,
  });
  try {
    await runStack(options, developer, log.write, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    await log.close();
  }
}

async function runStack(
  options: StartOptions,
  developer: DeveloperSettings,
  log: Parameters<typeof startStack>[0]["log"],
  signal: AbortSignal,
): Promise<void> {
  console.log("Starting SpokeStack Agents …");
  const lost = Promise.withResolvers<never>();
  const stack = await startStack({
    stateDirectory: options.stateDirectory,
    reset: options.reset,
    developer,
    workerPort: options.port,
    timingDivisor: 1,
    modelLatencyMs: options.modelLatencyMs,
    durable: true,
    workerEntry: null,
    log,
    onWorkerLost: (worker) => void restartWorker(worker, signal).catch(lost.reject),
    signal,
  });
  try {
    await announce(stack, options, developer);
    const demo = { admin: demoAdministrator(stack), stack, print: console.log, signal };
    await Promise.race([lost.promise, options.demo ? runDemo(demo) : undefined]);
    if (!signal.aborted) {
      console.log(pc.dim("Everything keeps running; Ctrl-C stops it."));
      await Promise.race([lost.promise, once(signal, "abort")]);
    }
  } finally {
    console.log("Stopping …");
    await clearRunningStack(options.stateDirectory);
    await stack.stop();
  }
}

async function announce(stack: Stack, { stateDirectory }: StartOptions, developer: DeveloperSettings): Promise<void> {
  const { gitHub } = stack.standIns;
  const { url, token, organizationId = "" } = demoAdministrator(stack);
  await saveRunningStack(stateDirectory, {
    url,
    adminToken: token,
    demoOrganizationId: organizationId,
    gitHub: gitHub === null ? null : { url: gitHub.url, token: gitHub.token, owner: gitHub.owner, name: gitHub.name },
  });
  for (const line of startupTable(stack, developer)) console.log(line);
  console.log(pc.dim(`  kept in ${stateDirectory}, logs in ${path.join(stateDirectory, "logs")}\n`));
}

/** The Worker ended although nobody asked it to: what it had answered is in its objects, so it can simply go on. */
async function restartWorker(worker: WorkerControl, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    console.log(pc.yellow("The Worker's process ended by itself; starting it again."));
    try {
      await worker.start();
      console.log(pc.yellow("The Worker runs again."));
      return;
    } catch (error) {
      console.log(pc.red(error instanceof Error ? error.message : String(error)));
      await worker.kill();
      await delay(restartAfterMs);
    }
  }
}

process.exitCode = await runCommand(async () => {
  const options = parseStartOptions(process.argv.slice(2));
  if (options === null) console.log(startHelp);
  else await start(options);
});
