/** The Worker's own process: the local Cloudflare runtime, which lives no longer than its launcher. */
import diagnosticsChannel from "node:diagnostics_channel";
import { ChildProcess } from "node:child_process";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { unstable_DevEnv as DevEnv } from "wrangler";
import { workerOrderSchema, type WorkerOrder, type WorkerReport } from "./worker-messages.ts";

/** What the runtime says of one `console` call. */
interface RuntimeLog {
  readonly level: string;
  readonly message: string;
}

let stopping = false;

/** This process leads its group, so nothing of the runtime stays behind. */
function endGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

/** The messages of an error and of what caused it: the runtime's own says little. */
function causes(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  return error.cause === undefined ? [error.message] : [error.message, ...causes(error.cause)];
}

/** Tells the launcher, which then lets go of this process. */
function fail(event: unknown): void {
  const hasCause = typeof event === "object" && event !== null && "cause" in event && !(event instanceof Error);
  report({ kind: "failed", message: causes(hasCause ? event.cause : event).join(": ") });
}

function report(message: WorkerReport): void {
  process.send?.(message);
}

async function run(order: Extract<WorkerOrder, { kind: "start" }>): Promise<void> {
  const runtime = new DevEnv();
  for (const failure of ["buildFailed", "error"]) runtime.once(failure, fail);
  const worker = await runtime.startWorker({
    config: order.configFile,
    env: "local",
    ...(order.entryFile === null ? {} : { entrypoint: order.entryFile }),
    // Naming an (empty) file keeps .dev.vars out: the launcher has read it already.
    envFiles: [os.devNull],
    bindings: Object.fromEntries(
      Object.entries(order.settings).map(([name, value]) => [name, { type: "secret_text", value }]),
    ),
    dev: {
      remote: false,
      server: { hostname: "127.0.0.1", port: order.port },
      inspector: false,
      watch: false,
      logLevel: "warn",
      persist: order.storageDirectory,
      structuredLogsHandler: ({ level, message }: RuntimeLog) => report({ kind: "log", level, message }),
    },
  });
  process.on("message", (message) => {
    if (workerOrderSchema.parse(message).kind !== "stop") return;
    stopping = true;
    void worker.dispose().finally(endGroup);
  });
  await worker.ready;
  report({ kind: "ready", url: (await worker.url).origin });
}

// The runtime does not restart a process of its own that dies: end as a whole, so that the launcher can begin again.
diagnosticsChannel.subscribe("child_process", (message) => {
  const child = typeof message === "object" && message !== null && "process" in message ? message.process : null;
  if (!(child instanceof ChildProcess)) return;
  child.once("exit", () => {
    if (!stopping && path.basename(child.spawnfile) === "workerd") endGroup();
  });
});
process.once("disconnect", endGroup);
process.once("message", (message) => {
  const order = workerOrderSchema.parse(message);
  if (order.kind !== "start") return;
  run(order).catch(fail);
});
