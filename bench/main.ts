/** `npm run bench -- [name …]`: runs the benchmarks and fails when a ratio that must hold does not. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { runCommand } from "../scripts/local/run-command.ts";
import { StackError } from "../scripts/local/stack-error.ts";
import { measureBacklog } from "./backlog.ts";
import { measureBroadcast } from "./broadcast.ts";
import { measureColdStart } from "./cold-start.ts";
import { measureDispatch } from "./dispatch.ts";
import { measureFlood } from "./flood.ts";
import { bundleAgents, bundleBenchWorker, workerConfiguration } from "./harness-bundle.ts";
import { holds, type Report, reportText } from "./harness-report.ts";
import type { Build } from "./harness-world.ts";
import { measureTurn } from "./turn.ts";
import { measureSubmission } from "./submission.ts";

const benchmarks: ReadonlyMap<string, (build: Build) => Promise<Report>> = new Map([
  ["submission", measureSubmission],
  ["dispatch", measureDispatch],
  ["broadcast", measureBroadcast],
  ["backlog", measureBacklog],
  ["turn", measureTurn],
  ["flood", measureFlood],
  ["cold-start", measureColdStart],
]);

async function buildWorkers(directory: string): Promise<Build> {
  const configuration = workerConfiguration();
  const own = (name: string) => bundleBenchWorker(name, path.join(directory, name), configuration.compatibilityDate);
  const [agents, driver, floors] = await Promise.all([
    bundleAgents(path.join(directory, "agents")),
    own("driver"),
    own("floors"),
  ]);
  return { configuration, agents, driver, floors };
}

async function main(): Promise<void> {
  const names = process.argv.length > 2 ? process.argv.slice(2) : [...benchmarks.keys()];
  const unknown = names.filter((name) => !benchmarks.has(name));
  if (unknown.length > 0) {
    throw new StackError(
      `no benchmark is called ${unknown.join(", ")}; there are ${[...benchmarks.keys()].join(", ")}`,
    );
  }
  const directory = await mkdtemp(path.join(tmpdir(), "bench-build-"));
  try {
    const build = await buildWorkers(directory);
    for (const [name, measure] of benchmarks) {
      if (!names.includes(name)) continue;
      const report = await measure(build);
      console.log(reportText(name, report));
      if (!report.gates.every(holds)) process.exitCode = 1;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

const failed = await runCommand(main);
if (failed !== 0) process.exitCode = failed;
