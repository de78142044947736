/** Events to a thousand sockets, one at a time and in bursts, against a bare loop that sends the same bytes. */
import { adminTokenOf, agentsService, floorService } from "./harness-agents.ts";
import { askDriver, oneJobSubmission } from "./harness-driver.ts";
import { runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { median, medianRatio, runRounds } from "./harness-rounds.ts";
import { openSockets, type Sockets } from "./harness-sockets.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";

const organizationId = "org-benchmark";
const administrator = "bench";
const socketCount = 1_000;
const rounds = 9;
const burstEvents = 200;
const floorBurstEvents = 20;

/** The job that writes lines is never renewed, and everyone who watches is the same person. */
const settings = { LEASE_MS: "3600000", LIVE_SOCKETS_PER_PERSON: String(socketCount) };

const headers = { authorization: `Bearer ${adminTokenOf(administrator)}`, "x-organization-id": organizationId };

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function webSocketUrl(url: string, path: string): string {
  return `${url.replace("http:", "ws:")}${path}`;
}

/** Has so many events happen at once; resolves when every socket has all of them. */
async function events(world: World, sockets: Sockets, count: number): Promise<void> {
  const goal = sockets.highestSeq() + count;
  await Promise.all([askDriver(world, "/checkpoint", { events: count }), sockets.reach(goal)]);
}

async function bareLoop({ runtime }: World, sockets: Sockets, text: string, times: number): Promise<void> {
  const body = JSON.stringify({ text, times });
  const url = `${runtime.url(floorService)}/broadcast`;
  await Promise.all([fetch(url, { method: "POST", body }), sockets.more(socketCount * times)]);
}

async function submitJob({ runtime }: World): Promise<void> {
  await runLoad({
    url: runtime.url(agentsService),
    connections: 1,
    requests: 1,
    expectedStatus: 202,
    requestAt: () => oneJobSubmission(administrator, organizationId),
  });
}

/** Measures both against the loop: a single event by its time, bursts by their events a second. */
export function measureBroadcast(build: Build): Promise<Report> {
  return withWorld(build, { administrators: [administrator], settings, inMemory: true }, async (world) => {
    const { runtime } = world;
    await submitJob(world);
    // Claims the job, so that what follows are its lines and nothing else.
    await askDriver(world, "/checkpoint", { events: 1 });
    const live = await openSockets(
      webSocketUrl(runtime.url(agentsService), "/api/agents/live"),
      socketCount,
      () => headers,
    );
    const bare = await openSockets(webSocketUrl(runtime.url(floorService), "/live"), socketCount, () => ({}));
    try {
      await events(world, live, 1);
      const frame = live.lastFrame();
      await bareLoop(world, bare, frame, 1);
      const measured = await runRounds(rounds, {
        event: () => milliseconds(() => events(world, live, 1)),
        loop: () => milliseconds(() => bareLoop(world, bare, frame, 1)),
        burst: () => milliseconds(() => events(world, live, burstEvents)),
        loops: () => milliseconds(() => bareLoop(world, bare, frame, floorBurstEvents)),
      });
      const perSecond = (count: number, timesMs: readonly number[]): readonly number[] =>
        timesMs.map((ms) => (count * 1_000) / ms);
      const bursts = perSecond(burstEvents, measured("burst"));
      const loops = perSecond(floorBurstEvents, measured("loops"));
      return {
        rows: [
          { label: `one event to ${socketCount} sockets`, value: `${median(measured("event")).toFixed(0)} ms` },
          { label: "floor: a bare loop", value: `${median(measured("loop")).toFixed(0)} ms` },
          { label: `bursts of ${burstEvents}`, value: `${median(bursts).toFixed(0)} events/s` },
          { label: "floor: bare loops", value: `${median(loops).toFixed(0)} events/s` },
        ],
        gates: [
          {
            label: "one event ÷ bare loop",
            ratio: medianRatio(measured("event"), measured("loop")),
            bound: { atMost: 1.3 },
          },
          { label: "bursts ÷ bare loops, events/s", ratio: medianRatio(bursts, loops), bound: { atLeast: 5 } },
        ],
      };
    } finally {
      live.close();
      bare.close();
    }
  });
}
