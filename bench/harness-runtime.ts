/** Runs Workers on the bare runtime: no development server stands before them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { z } from "zod";
import type { WorkerConfiguration } from "./harness-bundle.ts";
import { runtimeConfig, type WorkerService } from "./harness-config.ts";

export interface RuntimeOptions {
  readonly directory: string;
  /** An existing directory for the objects' databases. */
  readonly storageDirectory: string;
  readonly withInspector: boolean;
}

/** What the runtime says on its control channel. */
const controlEventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("listen"), socket: z.string(), port: z.int() }),
  z.object({ event: z.literal("listen-inspector"), port: z.int() }),
]);

const keptComplaints = 5;
/** The unit of processor time in Linux's `/proc`. */
const tickMs = 10;

export interface Runtime {
  /** Origin of a service. Throws for one that does not run. */
  url(service: string): string;
  /** Port of the inspector. Throws when the runtime was started without it. */
  inspectorPort(): number;
  /** Processor time of the whole process so far, in milliseconds. */
  cpuMs(): Promise<number>;
  /** Resident memory of the whole process, in bytes. */
  residentBytes(): Promise<number>;
  /** The last of what the Workers and the runtime had to complain about. */
  complaints(): readonly string[];
  /** Ends the process, and resolves when it has ended. */
  stop(): Promise<void>;
}

/** The runtime's program, as Wrangler brings it. */
function runtimeProgram(): string {
  const ofWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  return z.object({ default: z.string() }).parse(ofWrangler("workerd")).default;
}

/** Starts the services, their files in the directory; resolves when all of them listen. Throws when they do not. */
export async function startRuntime(
  services: readonly WorkerService[],
  configuration: WorkerConfiguration,
  { directory, storageDirectory, withInspector }: RuntimeOptions,
): Promise<Runtime> {
  const configFile = path.join(directory, "runtime.capnp");
  await writeFile(configFile, runtimeConfig(services, configuration, { config: directory, storage: storageDirectory }));

  const inspection = withInspector ? ["--inspector-addr=127.0.0.1:0"] : [];
  const parameters = ["serve", "--experimental", "--control-fd=3", ...inspection, configFile];
  const child = spawn(runtimeProgram(), parameters, { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  const complaints: string[] = [];
  const { stderr } = child;
  if (stderr !== null)
    createInterface(stderr).on("line", (line) =>
      complaints.splice(0, Math.max(0, complaints.push(line) - keptComplaints)),
    );
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };

  const ports = new Map<string, number>();
  const inspector = "inspector";
  const listening = (async () => {
    const control = child.stdio[3];
    if (!(control instanceof Readable)) throw new Error("the runtime has no control channel");
    for await (const line of createInterface(control)) {
      const event = controlEventSchema.parse(JSON.parse(line));
      ports.set(event.event === "listen" ? event.socket : inspector, event.port);
      if (ports.size === services.length + inspection.length) return;
    }
    throw new Error(`the runtime did not start:\n${complaints.join("\n")}`);
  })();
  await listening.catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  const portOf = (name: string): number => {
    const port = ports.get(name);
    if (port === undefined) throw new Error(`nothing listens as ${name}`);
    return port;
  };
  return {
    url: (service) => `http://127.0.0.1:${portOf(service)}`,
    inspectorPort: () => portOf(inspector),
    cpuMs: async () => {
      const [, fields = ""] = (await readFile(`/proc/${child.pid}/stat`, "utf8")).split(") ");
      const [userTicks = "0", systemTicks = "0"] = fields.split(" ").slice(11, 13);
      return (Number(userTicks) + Number(systemTicks)) * tickMs;
    },
    residentBytes: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1] ?? 0) * 1_024;
    },
    complaints: () => complaints,
    stop,
  };
}
