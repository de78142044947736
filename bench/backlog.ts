/** A full house: jobs of a thousand organizations wait, and then all of them run. */
import { agentsService } from "./harness-agents.ts";
import { askDriver, type DriverResult, finishedJobs, oneJobSubmission } from "./harness-driver.ts";
import { heapBytesAfterCollection } from "./harness-inspector.ts";
import { runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";

const administrator = "bench";
const organizations = 1_000;
/** The issues a day of an organization without a tier. */
const jobsEach = 10;
const jobs = organizations * jobsEach;
const stalledAfterMs = 120_000;
const mebibyte = 1_024 ** 2;
const heapLimitMebibytes = 64;
/** Perfectly fair is a half: every organization starts once before any starts twice. */
const fairnessLimit = 0.6;

/** Σ(index at which each organization first starts) ÷ organizations². */
function firstStartIndex(started: readonly string[]): number {
  const first = new Map<string, number>();
  for (const [index, organizationId] of started.entries()) {
    if (!first.has(organizationId)) first.set(organizationId, index + 1);
  }
  return [...first.values()].reduce((sum, index) => sum + index, 0) / first.size ** 2;
}

async function queueAll({ runtime }: World): Promise<number> {
  const { requestsPerSecond } = await runLoad({
    url: runtime.url(agentsService),
    connections: 50,
    requests: jobs,
    expectedStatus: 202,
    requestAt: (index) => oneJobSubmission(administrator, `org-${index % organizations}`),
  });
  return jobs / requestsPerSecond;
}

async function runAll(world: World): Promise<{ readonly seconds: number; readonly result: DriverResult }> {
  const startedAtMs = performance.now();
  await askDriver(world, "/open");
  const result = await finishedJobs(world, jobs, stalledAfterMs);
  return { seconds: (performance.now() - startedAtMs) / 1_000, result };
}

/** Queues everything while nobody works, then works it off; the heap is taken idle, full, and worked off. */
export function measureBacklog(build: Build): Promise<Report> {
  return withWorld(build, { administrators: [administrator], withInspector: true, inMemory: true }, async (world) => {
    const { runtime } = world;
    const heap = () => heapBytesAfterCollection(runtime.inspectorPort(), agentsService);
    const warmUp = { ...oneJobSubmission(administrator, "org-0"), method: "GET", body: "" };
    await runLoad({
      url: runtime.url(agentsService),
      connections: 1,
      requests: 10,
      expectedStatus: 200,
      requestAt: () => ({ ...warmUp, path: "/api/agents/version" }),
    });
    const idleBytes = await heap();
    const queueSeconds = await queueAll(world);
    const fullBytes = await heap();
    const { seconds, result } = await runAll(world);
    const endBytes = await heap();
    const overIdle = (Math.max(fullBytes, endBytes) - idleBytes) / mebibyte;
    const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MB`;
    return {
      rows: [
        { label: `${jobs} submissions of ${organizations} organizations`, value: `${queueSeconds.toFixed(1)} s` },
        { label: "all of them dispatched, claimed and finished", value: `${seconds.toFixed(1)} s` },
        {
          label: "heap: idle, queued, finished",
          value: [idleBytes, fullBytes, endBytes].map(inMebibytes).join(", "),
        },
        { label: "memory of the whole process", value: inMebibytes(await runtime.residentBytes()) },
      ],
      gates: [
        { label: "heap over idle, MB", ratio: overIdle, bound: { atMost: heapLimitMebibytes } },
        {
          label: "Σ first start ÷ organizations²",
          ratio: firstStartIndex(result.started),
          bound: { atMost: fairnessLimit },
        },
      ],
    };
  });
}
