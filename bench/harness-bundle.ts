/** Builds Workers as a deployment would, with Wrangler's own bundler and without sending anything anywhere. */
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { z } from "zod";

const projectRoot = fileURLToPath(new URL("..", import.meta.url));
const wranglerCommand = path.join(projectRoot, "node_modules", "wrangler", "bin", "wrangler.js");

/** A built Worker on disk: the main module, and the WebAssembly modules that it imports by name. */
export interface Bundle {
  readonly directory: string;
  readonly mainModule: string;
  readonly wasmModules: readonly string[];
  /** What each source file takes in the main module, in bytes. */
  readonly sourceBytes: ReadonlyMap<string, number>;
}

const metafileSchema = z.object({
  outputs: z.record(z.string(), z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.int() })) })),
});

/** The part of the Worker's configuration that the runtime is given. */
export interface WorkerConfiguration {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Binding and class of each kind of object. */
  readonly objects: readonly { readonly binding: string; readonly className: string }[];
  /** Binding of each queue. */
  readonly queues: readonly string[];
}

const configSchema = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  queues: z.object({ producers: z.array(z.object({ binding: z.string() })) }),
});

/** The production configuration of the Worker. */
export function workerConfiguration(): WorkerConfiguration {
  const config = configSchema.parse(readConfig({ config: path.join(projectRoot, "wrangler.toml") }));
  return {
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    objects: config.durable_objects.bindings.map(({ name, class_name: className }) => ({ binding: name, className })),
    queues: config.queues.producers.map(({ binding }) => binding),
  };
}

/** Bundles the Worker itself into the directory. Throws with the bundler's output. */
export async function bundleAgents(directory: string): Promise<Bundle> {
  return bundle("src/worker.ts", "wrangler.toml", directory, []);
}

/** Bundles one of the benchmarks' own Workers. Throws with the bundler's output. */
export async function bundleBenchWorker(name: string, directory: string, date: string): Promise<Bundle> {
  return bundle(`bench/workers/${name}.ts`, "bench/workers/wrangler.toml", directory, ["--compatibility-date", date]);
}

async function sourceBytesOf(directory: string, mainModule: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(path.join(directory, "bundle-meta.json"), "utf8");
  const { outputs } = metafileSchema.parse(JSON.parse(text));
  const main = Object.entries(outputs).find(([name]) => path.basename(name) === mainModule)?.[1];
  if (main === undefined) throw new Error(`the bundler wrote nothing about ${mainModule}`);
  return new Map(Object.entries(main.inputs).map(([source, { bytesInOutput }]) => [source, bytesInOutput]));
}

async function bundle(entry: string, configFile: string, directory: string, more: readonly string[]): Promise<Bundle> {
  const options = [
    "deploy",
    entry,
    "--config",
    configFile,
    "--env=",
    "--dry-run",
    "--outdir",
    directory,
    "--metafile",
    ...more,
  ];
  await promisify(execFile)(process.execPath, [wranglerCommand, ...options], {
    cwd: projectRoot,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", DO_NOT_TRACK: "1" },
  });
  const mainModule = `${path.basename(entry, ".ts")}.js`;
  return {
    directory,
    mainModule,
    wasmModules: globSync("*.wasm", { cwd: directory }),
    sourceBytes: await sourceBytesOf(directory, mainModule),
  };
}
