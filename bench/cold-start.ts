/** What the way of a submission costs before it has run once: the Worker's size, and the first answer of a cold isolate. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { agentsService, agentsWorker, driverWorker } from "./harness-agents.ts";
import { type Bundle, bundleBenchWorker } from "./harness-bundle.ts";
import type { Report } from "./harness-report.ts";
import { median, medianRatio, runRounds } from "./harness-rounds.ts";
import { startRuntime } from "./harness-runtime.ts";
import type { Build } from "./harness-world.ts";

const rounds = 9;
const kibibyte = 1_024;

/** What only Prisma brings into the main module. */
const prismaSource = /node_modules\/@prisma\/|src\/db\/generated\//u;

/** From the start of the process to the first answer, which asks no database and no object. */
async function firstAnswerMs(bundle: Bundle, { configuration, driver }: Build): Promise<number> {
  const directory = await mkdtemp(path.join(tmpdir(), "bench-cold-"));
  const services = [
    agentsWorker({ bundle, configuration, supabaseUrl: "http://127.0.0.1:9", administrators: ["bench"] }),
    driverWorker(driver, configuration),
  ];
  try {
    const startedMs = performance.now();
    const options = { directory, storageDirectory: directory, withInspector: false };
    const runtime = await startRuntime(services, configuration, options);
    try {
      const response = await fetch(`${runtime.url(agentsService)}/api/agents/version`);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the first answer was ${response.status}`);
      return performance.now() - startedMs;
    } finally {
      await runtime.stop();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function sizeRows({ directory, mainModule, wasmModules, sourceBytes }: Bundle): Promise<Report["rows"]> {
  const sizeOf = async (file: string): Promise<number> => (await stat(path.join(directory, file))).size;
  const wasmBytes = (await Promise.all(wasmModules.map(sizeOf))).reduce((sum, size) => sum + size, 0);
  const ofPrisma = [...sourceBytes].filter(([source]) => prismaSource.test(source));
  const prismaBytes = ofPrisma.reduce((sum, [, size]) => sum + size, 0);
  const mainBytes = await sizeOf(mainModule);
  const inKib = (bytes: number): string => `${Math.round(bytes / kibibyte)} KiB`;
  return [
    { label: "main module without Prisma", value: inKib(mainBytes - prismaBytes) },
    { label: "Prisma in it, evaluated when first needed", value: inKib(prismaBytes) },
    { label: "Prisma's WebAssembly, loaded when first needed", value: inKib(wasmBytes) },
  ];
}

/** The Worker beside itself with Prisma loaded at its start. */
export async function measureColdStart(build: Build): Promise<Report> {
  const directory = await mkdtemp(path.join(tmpdir(), "bench-eager-"));
  try {
    const eager = await bundleBenchWorker("eager-agents", directory, build.configuration.compatibilityDate);
    const figures = await runRounds(rounds, {
      light: () => firstAnswerMs(build.agents, build),
      eager: () => firstAnswerMs(eager, build),
    });
    const inMs = (name: "light" | "eager"): string => `${median(figures(name)).toFixed(0)} ms`;
    return {
      rows: [
        ...(await sizeRows(build.agents)),
        { label: "start of the process → first answer", value: inMs("light") },
        { label: "the same with Prisma loaded at the start", value: inMs("eager") },
      ],
      gates: [
        {
          label: "first answer ÷ with Prisma",
          ratio: medianRatio(figures("light"), figures("eager")),
          bound: { atMost: 1 },
        },
      ],
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}
