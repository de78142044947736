/** What a turn of an agent costs beside the model and its tool: against a bare loop in the same Worker. */
import { agentsService } from "./harness-agents.ts";
import { askDriver, oneJobSubmission, setLimits, slicesEnded } from "./harness-driver.ts";
import { runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { median } from "./harness-rounds.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";
import { type ModelRequest, type ModelServer, startModelServer } from "./model-server.ts";
import { onlyDatabase, snapshotOf, writtenRows } from "./written-rows.ts";

const administrator = "bench";
const repository = { owner: "bench", name: "code" };
const rounds = 5;
/** A turn is two steps: a model call and a tool call. */
const turns = 104;
/** Turns around step 20, and around step 200. */
const windows = { early: { from: 6, to: 14 }, late: { from: 94, to: 102 } } as const;
type WindowName = keyof typeof windows;

/** Runs `work` until its last request was answered; tells when each came. */
async function arrivalsOf(
  world: World,
  model: ModelServer,
  work: () => Promise<unknown>,
  look: (request: ModelRequest) => void = () => undefined,
): Promise<readonly number[]> {
  const arrivals: number[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  model.onRequest = (request) => {
    arrivals[request.turn] = request.atMs;
    look(request);
    if (request.turn === turns) resolve();
  };
  await work();
  await ended;
  await slicesEnded(world);
  return arrivals;
}

async function submitJob(world: World, organizationId: string): Promise<void> {
  await setLimits(
    world,
    administrator,
    organizationId,
    { dailyBudgetMicroUsd: 1e12, monthlyBudgetMicroUsd: 1e12 },
    repository,
  );
  await runLoad({
    url: world.runtime.url(agentsService),
    connections: 1,
    requests: 1,
    expectedStatus: 202,
    requestAt: () => oneJobSubmission(administrator, organizationId),
  });
}

function turnMs(arrivals: readonly number[], name: WindowName): number {
  const { from, to } = windows[name];
  return ((arrivals[to] ?? Number.NaN) - (arrivals[from] ?? Number.NaN)) / (to - from);
}

/** Runs a first job; what its object's database got in one turn of each window, and the request that it began with. */
async function firstJob(world: World, model: ModelServer) {
  const database = () => onlyDatabase(world.storageDirectory, `${agentsService}-OrganizationObject`);
  const snapshots = new Map<number, ReturnType<typeof snapshotOf>>();
  let first = "";
  await arrivalsOf(
    world,
    model,
    () => submitJob(world, "org-first"),
    ({ turn, body }) => {
      if (turn === 0) first = body;
      const isSeen = Object.values(windows).some(({ to }) => turn === to - 1 || turn === to);
      if (isSeen) snapshots.set(turn, snapshotOf(database()));
    },
  );
  const written = (name: WindowName): { readonly rows: number; readonly bytes: number } => {
    const { to } = windows[name];
    const [before, after] = [snapshots.get(to - 1), snapshots.get(to)];
    if (before === undefined || after === undefined) throw new Error(`the ${name} turn was not seen`);
    const rows = writtenRows(before, after, []);
    return { rows: rows.length, bytes: JSON.stringify(rows).length };
  };
  return { first, early: written("early"), late: written("late") };
}

/** Measures the turns of jobs of 200 steps; the bare loop and the engine take turns. */
export function measureTurn(build: Build): Promise<Report> {
  return withWorld(build, { administrators: [administrator], inMemory: true }, async (world) => {
    const model = await startModelServer({ turns });
    try {
      await askDriver(world, "/engine", { modelUrl: model.url });
      const { first, early, late } = await firstJob(world, model);
      const bareRun = {
        modelUrl: model.url,
        first: JSON.parse(first) as unknown,
        repository,
        organizationId: "org-first",
      };
      const framework: Record<WindowName, number[]> = { early: [], late: [] };
      const bare: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const engineArrivals = await arrivalsOf(world, model, () => submitJob(world, `org-${round}`));
        const bareArrivals = await arrivalsOf(world, model, () => askDriver(world, "/bare", bareRun));
        bare.push(turnMs(bareArrivals, "early"));
        for (const name of ["early", "late"] as const) {
          framework[name].push(turnMs(engineArrivals, name) - turnMs(bareArrivals, name));
        }
      }
      const inMs = (ms: number): string => `${ms.toFixed(2)} ms`;
      const written = ({ rows, bytes }: typeof early): string => `${rows} rows, ${bytes} bytes`;
      return {
        rows: [
          { label: "beside model and tool, a turn around step 20", value: inMs(median(framework.early)) },
          { label: "beside model and tool, a turn around step 200", value: inMs(median(framework.late)) },
          { label: "floor: the bare loop's whole turn", value: inMs(median(bare)) },
          { label: "written in a turn around step 20", value: written(early) },
          { label: "written in a turn around step 200", value: written(late) },
        ],
        gates: [
          {
            label: "time of a turn, step 200 ÷ step 20",
            ratio: median(framework.late) / median(framework.early),
            bound: { atMost: 1.2 },
          },
          { label: "rows of a turn, step 200 ÷ step 20", ratio: late.rows / early.rows, bound: { atMost: 1.2 } },
          { label: "bytes of a turn, step 200 ÷ step 20", ratio: late.bytes / early.bytes, bound: { atMost: 1.2 } },
        ],
      };
    } finally {
      await model.close();
    }
  });
}
