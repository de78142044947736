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
  /** Gives up while it starts; afterwards it has no effect. */
  readonly signal: AbortSignal;
}

export interface WorkerProcess {
  readonly url: string;
  readonly processId: number;
  /** Resolves when the process has ended, with what the runtime said of its own failure, if it said anything. */
  readonly ended: Promise<string | null>;
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
export async function startWorkerProcess({ onLog, signal, ...order }: WorkerOptions): Promise<WorkerProcess> {
  const child = fork(new URL("worker-host.ts", import.meta.url), {
    detached: true,
    execArgv: ["--no-warnings"],
    env: { ...process.env, ...quietEnvironment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let failure: string | null = null;
  child.on("message", (message) => {
    const report = workerReportSchema.parse(message);
    if (report.kind === "log") onLog(report.level, report.message);
    if (report.kind !== "failed") return;
    failure ??= report.message;
    if (child.connected) child.disconnect();
  });
  const ended = once(child, "exit").then(() => failure);
  forwardOutput(child, onLog);
  child.send({ kind: "start", ...order } satisfies WorkerOrder);
  const url = await readyUrl(child, ended, signal);
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

async function readyUrl(child: ChildProcess, ended: WorkerProcess["ended"], signal: AbortSignal): Promise<string> {
  // Its group ends with the channel.
  const giveUp = (): void => {
    if (child.connected) child.disconnect();
  };
  signal.addEventListener("abort", giveUp);
  const ready = new Promise<string>((resolve) => {
    child.on("message", (message) => {
      const report = workerReportSchema.parse(message);
      if (report.kind === "ready") resolve(report.url);
    });
  });
  const neverReady = ended.then((failure) => {
    throw endedTooEarly(failure);
  });
  try {
    return await Promise.race([ready, neverReady]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** What to say of a Worker that ended while it was starting. */
export function endedTooEarly(failure: string | null): StackError {
  return new StackError(failure ?? "its process ended while it was starting");
}
