/** The Worker of a running stack: started, stopped and killed alone, while the rest of the stack goes on. */
import { z } from "zod";
import { apiBasePath } from "../../src/contracts/http.ts";
import { healthSchema, problemSchema } from "../../src/contracts/http-views.ts";
import { StackError } from "./stack-error.ts";
import { waitUntil } from "./wait-until.ts";
import { endedTooEarly, startWorkerProcess, type WorkerOptions, type WorkerProcess } from "./worker-process.ts";

const healthWithinMs = 60_000;

const answerSchema = z.union([healthSchema, problemSchema]);

export interface WorkerControl {
  readonly url: string;
  /** Starts it again after `stop` or `kill`; resolves when its health answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** `kill -9` of its process group. */
  kill(): Promise<void>;
}

/**
 * Starts the Worker. `onLost` is told when its process ends without having been asked to; it may start it again.
 * Throws `StackError` when the Worker does not start or refuses its settings.
 */
export async function startWorker(
  options: WorkerOptions,
  onLost: (worker: WorkerControl) => void,
): Promise<WorkerControl> {
  let current: WorkerProcess | null = null;

  const start = async (): Promise<void> => {
    const started = await startWorkerProcess(options);
    current = started;
    await healthAnswer(started, options.signal);
    void started.ended.then(() => {
      if (current === started) onLost(control);
      return undefined;
    });
  };
  const end = async (how: "stop" | "kill"): Promise<void> => {
    const ending = current;
    current = null;
    await ending?.[how]();
  };

  const control: WorkerControl = {
    url: `http://127.0.0.1:${options.port}`,
    start,
    stop: () => end("stop"),
    kill: () => end("kill"),
  };
  try {
    await start();
  } catch (error) {
    await end("kill");
    throw error;
  }
  return control;
}

/** Degraded is an answer too: the Worker runs, and the database may come back. */
async function healthAnswer(worker: WorkerProcess, signal: AbortSignal): Promise<void> {
  let lost: StackError | null = null;
  void worker.ended.then((failure) => (lost = endedTooEarly(failure)));
  const answer = await waitUntil(
    "the Worker's health",
    async () => {
      signal.throwIfAborted();
      if (lost !== null) throw lost;
      return askHealth(worker.url);
    },
    { withinMs: healthWithinMs },
  );
  if ("code" in answer) throw new StackError(`its health answers ${answer.code}: ${answer.detail}`);
}

async function askHealth(url: string): Promise<z.infer<typeof answerSchema> | null> {
  try {
    const response = await fetch(`${url}${apiBasePath}/health`);
    return answerSchema.parse(await response.json());
  } catch (error) {
    // Not listening yet, or the runtime's own page for a Worker that is not there yet.
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}
