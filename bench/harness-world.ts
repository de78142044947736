/** Everything that a benchmark runs in: the three Workers on the bare runtime, and an issuer of access tokens. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadKeptState } from "../scripts/local/state-directory.ts";
import { startSupabase, type SupabaseStandIn } from "../scripts/local/supabase.ts";
import getPort from "get-port";
import { type AgentsOptions, agentsWorker, driverWorker, floorService } from "./harness-agents.ts";
import type { Bundle, WorkerConfiguration } from "./harness-bundle.ts";
import type { Binding } from "./harness-config.ts";
import { type Runtime, startRuntime } from "./harness-runtime.ts";

/** The built Workers, made once for all benchmarks of a run. */
export interface Build {
  readonly configuration: WorkerConfiguration;
  readonly agents: Bundle;
  readonly driver: Bundle;
  readonly floors: Bundle;
}

export interface World {
  readonly runtime: Runtime;
  readonly supabase: SupabaseStandIn;
  /** Where the objects' databases are. */
  readonly storageDirectory: string;
}

export interface WorldOptions extends Pick<AgentsOptions, "administrators" | "settings"> {
  /** Only for what needs it: with the inspector every line of the log costs the runtime a stack trace. */
  readonly withInspector?: boolean;
  /** Keeps databases in memory, where the machine can: for what is not about how fast its disk is. */
  readonly inMemory?: boolean;
}

/** Linux's file system in memory. */
const memoryDirectory = "/dev/shm";

/** The floors' object classes, by binding. */
const floorClasses: Readonly<Record<string, string>> = {
  SUBMISSIONS: "SubmissionFloor",
  INSERTS: "InsertFloor",
  BROADCASTS: "BroadcastFloor",
};

/** Runs `work` in a world of its own, which is gone afterwards. */
export async function withWorld<Result>(
  build: Build,
  { withInspector = false, inMemory = false, ...options }: WorldOptions,
  work: (world: World) => Promise<Result>,
): Promise<Result> {
  // Bundles are embedded by relative paths, so the world stands beside them.
  const directory = await mkdtemp(path.join(tmpdir(), "bench-world-"));
  const hasMemoryDirectory = inMemory && existsSync(memoryDirectory);
  const storageDirectory = await mkdtemp(path.join(hasMemoryDirectory ? memoryDirectory : tmpdir(), "bench-storage-"));
  const { signingKey } = await loadKeptState(directory);
  const supabase = await startSupabase({ port: await getPort(), signingKey });
  try {
    const services = [
      agentsWorker({
        bundle: build.agents,
        configuration: build.configuration,
        supabaseUrl: supabase.url,
        ...options,
      }),
      driverWorker(build.driver, build.configuration),
      {
        name: floorService,
        bundle: build.floors,
        objectClasses: Object.values(floorClasses),
        keepsObjects: true,
        bindings: Object.entries(floorClasses).map(([name, className]): Binding => ({
          kind: "objects",
          name,
          className,
        })),
      },
    ];
    const runtime = await startRuntime(services, build.configuration, { directory, storageDirectory, withInspector });
    try {
      return await work({ runtime, supabase, storageDirectory });
    } catch (error) {
      throw new Error(["the benchmark failed; the runtime's last words:", ...runtime.complaints()].join("\n"), {
        cause: error,
      });
    } finally {
      await runtime.stop();
    }
  } finally {
    await supabase.close();
    await rm(directory, { recursive: true });
    await rm(storageDirectory, { recursive: true });
  }
}
