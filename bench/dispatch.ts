/** How long a freed slot stays empty: from the call that frees it to the arrival of the next job's message. */
import { z } from "zod";
import { agentsService, floorService } from "./harness-agents.ts";
import { askDriver, finishedJobs, oneJobSubmission, setLimits } from "./harness-driver.ts";
import { runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { median, midMean } from "./harness-rounds.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";

const organizationId = "org-benchmark";
const administrator = "bench";
const jobs = 300;
const rounds = 4;
const callsARound = 75;
const stalledAfterMs = 60_000;

const durationSchema = z.object({ durationMs: z.number() });

/** The Workers' clock counts whole milliseconds, so the calls are timed in a row. */
async function twoBareCalls({ runtime }: World): Promise<number> {
  const url = `${runtime.url(floorService)}/two-calls`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ times: callsARound }) });
  return durationSchema.parse(await response.json()).durationMs;
}

/** One slot, many jobs: each that ends frees the slot for the next. The bare calls take turns with them. */
export function measureDispatch(build: Build): Promise<Report> {
  const settings = { AGENT_MAX_CONCURRENCY: "1" };
  return withWorld(build, { administrators: [administrator], settings, inMemory: true }, async (world) => {
    await setLimits(world, administrator, organizationId, { issuesPerHour: jobs, issuesPerDay: jobs });
    const floorsMs: number[] = [];
    const gapsMs: number[] = [];
    await askDriver(world, "/open");
    for (let round = 1; round <= rounds; round += 1) {
      floorsMs.push(await twoBareCalls(world));
      await runLoad({
        url: world.runtime.url(agentsService),
        connections: 10,
        requests: jobs / rounds,
        expectedStatus: 202,
        requestAt: () => oneJobSubmission(administrator, organizationId),
      });
      const result = await finishedJobs(world, (jobs / rounds) * round, stalledAfterMs);
      gapsMs.push(...result.gapsMs.slice(gapsMs.length));
    }
    const inMs = (ms: number): string => `${ms.toFixed(2)} ms`;
    return {
      rows: [
        { label: "slot freed → next dispatch sent", value: inMs(midMean(gapsMs)) },
        { label: "floor: two bare object calls", value: inMs(median(floorsMs)) },
        { label: "ratio", value: (midMean(gapsMs) / median(floorsMs)).toFixed(1) },
      ],
      gates: [],
    };
  });
}
