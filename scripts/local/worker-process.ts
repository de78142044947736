/** Starts, stops and kills the Worker as a process group of its own. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { StackError } from "./stack-error.ts";
import { workerReportSchema, type WorkerOrder } from "./worker-messages.ts";

export interface WorkerOptions extends Omit<Extract<WorkerOrder, { kind: "start" }>, "kind"> {
  /** One line of the Worker's log, or of the runtime's own output. */
  readonly onLog: (level: string, line: string) => void;
}

export interface WorkerProcess {
  readonly url: string;
  readonly processId: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends the runtime in order. */
  stop(): Promise<void>;
  /** `kill -9` of the whole group. */
  kill(): Promise<void>;
}

const quietEnvironment = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  DO_NOT_TRACK: "1",
};

/** Starts the Worker and resolves when it accepts requests. Throws `StackError` when the runtime refuses to start. */
export async function startWorkerProcess({ onLog, ...order }: WorkerOptions): Promise<WorkerProcess> {
  const child = fork(new URL("worker-host.ts", import.meta.url), {
    detached: true,
    execArgv: ["--no-warnings"],
    env: { ...process.env, ...quietEnvironment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ended = once(child, "exit").then(() => undefined);
  forwardOutput(child, onLog);
  child.send({ kind: "start", ...order } satisfies WorkerOrder);
  const url = await readyUrl(child, onLog);
  const processId = child.pid ?? 0;
  return {
    url,
    processId,
    ended,
    stop: async () => {
      if (child.connected) child.send({ kind: "stop" } satisfies WorkerOrder);
      await ended;
    },
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-processId, "SIGKILL");
      await ended;
    },
  };
}

function forwardOutput(child: ChildProcess, onLog: WorkerOptions["onLog"]): void {
  if (child.stdout !== null) createInterface(child.stdout).on("line", (line) => onLog("info", line));
  if (child.stderr !== null) createInterface(child.stderr).on("line", (line) => onLog("warn", line));
}

async function readyUrl(child: ChildProcess, onLog: WorkerOptions["onLog"]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => {
      const report = workerReportSchema.parse(message);
      if (report.kind === "log") onLog(report.level, report.message);
      if (report.kind === "ready") resolve(report.url);
      if (report.kind === "failed") reject(new StackError(`the Worker does not start: ${report.message}`));
    });
    child.once("exit", () => reject(new StackError("the Worker's process ended before it was ready")));
  });
}
