/** Ten agents at once in one organization: what the other nine feel of one whose model never stops talking. */
import { agentsService } from "./harness-agents.ts";
import { askDriver, oneJobSubmission, setLimits, slicesEnded } from "./harness-driver.ts";
import { runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { median, medianRatio, runRounds } from "./harness-rounds.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";

const administrator = "bench";
const repository = { owner: "bench", name: "code" };
const rounds = 5;
const agents = 10;
const turns = 30;
const mark = "FLOOD-THE-STREAM";
/** Some hundred times as fast as a model speaks. */
const charactersPerSecond = 256_000;

let organizations = 0;

/** Runs nine agents to their end beside a tenth; the mean time of a turn of the nine, in milliseconds. */
async function turnOfTheNine(world: World, model: ModelServer, tenth: string): Promise<number> {
  organizations += 1;
  const organizationId = `org-${organizations}`;
  const limits = { concurrentJobs: agents, dailyBudgetMicroUsd: 1e12, monthlyBudgetMicroUsd: 1e12 };
  await setLimits(world, administrator, organizationId, limits, repository);
  model.setFlooding(true);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let firstAtMs = Number.POSITIVE_INFINITY;
  let lastAtMs = 0;
  let finished = 0;
  model.onRequest = ({ turn, body, atMs }) => {
    if (!body.includes(`${organizationId}-quiet`)) return;
    firstAtMs = Math.min(firstAtMs, atMs);
    lastAtMs = atMs;
    if (turn !== turns) return;
    finished += 1;
    if (finished === agents - 1) resolve();
  };
  await runLoad({
    url: world.runtime.url(agentsService),
    connections: agents,
    requests: agents,
    expectedStatus: 202,
    requestAt: (index) =>
      oneJobSubmission(administrator, organizationId, index === 0 ? tenth : `${organizationId}-quiet`),
  });
  await ended;
  model.setFlooding(false);
  await slicesEnded(world);
  return (lastAtMs - firstAtMs) / turns;
}

/** Measures the nine beside one more like them, and beside one that floods; the two take turns. */
export function measureFlood(build: Build): Promise<Report> {
  const settings = { AGENT_MAX_CONCURRENCY: String(agents) };
  return withWorld(build, { administrators: [administrator], settings, inMemory: true }, async (world) => {
    const model = await startModelServer({ turns, flooding: { mark, charactersPerSecond } });
    try {
      await askDriver(world, "/engine", { modelUrl: model.url });
      await turnOfTheNine(world, model, "warm-up");
      const figures = await runRounds(rounds, {
        calm: () => turnOfTheNine(world, model, "calm"),
        flooded: () => turnOfTheNine(world, model, mark),
      });
      const inMs = (values: readonly number[]): string => `${median(values).toFixed(1)} ms`;
      return {
        rows: [
          { label: "a turn of nine agents beside a flooding tenth", value: inMs(figures("flooded")) },
          { label: "floor: beside a tenth like them", value: inMs(figures("calm")) },
        ],
        gates: [
          {
            label: "flooded ÷ calm",
            ratio: medianRatio(figures("flooded"), figures("calm")),
            bound: { atMost: 1.2 },
          },
        ],
      };
    } finally {
      await model.close();
    }
  });
}
