/** Submissions of one organization, against a bare Worker and object that write the same, and that write one row. */
import { randomUUID } from "node:crypto";
import { agentsService, floorService } from "./harness-agents.ts";
import { setLimits } from "./harness-driver.ts";
import { type LoadRequest, type LoadResult, runLoad } from "./harness-load.ts";
import type { Report } from "./harness-report.ts";
import { median, medianRatio, runRounds } from "./harness-rounds.ts";
import { type Build, withWorld, type World } from "./harness-world.ts";
import { onlyDatabase, snapshotOf, writtenRows } from "./written-rows.ts";

const organizationId = "org-benchmark";
const administrator = "bench";
const connections = 50;
const rounds = 9;
const requestsARound = 600;
const warmUpRequests = 400;

/** Rows are new by these, where no id makes them so. */
const counters = ["events.seq", "submissions.ordinal"];

const issue = {
  type: "BUG",
  priority: "HIGH",
  title: "A brief stays in SUBMITTED after it was approved",
  description: "Approving a brief answers 200, but its status does not change. ".repeat(8),
  context: { module: "briefs", briefId: "brief-1042", url: "https://erp.example/briefs/1042" },
};

/** Raised, not removed: every check of them still runs. */
const raisedLimits = { issuesPerHour: 10_000_000, issuesPerDay: 10_000_000 };

async function prepareFloor({ runtime, storageDirectory }: World, submit: () => Promise<unknown>): Promise<number> {
  const database = onlyDatabase(storageDirectory, `${agentsService}-OrganizationObject`);
  const before = snapshotOf(database);
  await submit();
  const rows = writtenRows(before, snapshotOf(database), counters);
  await fetch(`${runtime.url(floorService)}/prepare`, { method: "POST", body: JSON.stringify(rows) });
  return rows.length;
}

/** Measures submissions against their floors. */
export function measureSubmission(build: Build): Promise<Report> {
  return withWorld(build, { administrators: [administrator] }, async (world) => {
    const { runtime, supabase } = world;
    await setLimits(world, administrator, organizationId, raisedLimits);
    const token = await supabase.accessToken({
      subject: "bench-person",
      email: "person@bench.example",
      organizationId,
    });
    const load = (service: string, path: string, requests: number): Promise<LoadResult> =>
      runLoad({
        url: runtime.url(service),
        connections: Math.min(connections, requests),
        requests,
        expectedStatus: 202,
        requestAt: () => submissionRequest(path, token),
      });
    const submissions = (requests: number) => load(agentsService, "/api/agents", requests);
    await submissions(warmUpRequests);
    const rowCount = await prepareFloor(world, () => submissions(1));
    await load(floorService, "/rows", warmUpRequests);
    await load(floorService, "/insert", warmUpRequests);

    const rate = async (result: Promise<LoadResult>): Promise<number> => (await result).requestsPerSecond;
    const figures = await runRounds(rounds, {
      submission: () => rate(submissions(requestsARound)),
      rows: () => rate(load(floorService, "/rows", requestsARound)),
      insert: () => rate(load(floorService, "/insert", requestsARound)),
    });
    const perSecond = (values: readonly number[]): string => `${Math.round(median(values))}/s`;
    return {
      rows: [
        { label: "submissions, 50 connections", value: perSecond(figures("submission")) },
        { label: `floor: the same ${rowCount} rows, bare`, value: perSecond(figures("rows")) },
        { label: "floor: one bare insert", value: perSecond(figures("insert")) },
      ],
      gates: [
        {
          label: "submission ÷ the same rows",
          ratio: medianRatio(figures("submission"), figures("rows")),
          bound: { atLeast: 0.8 },
        },
        {
          label: "submission ÷ one insert",
          ratio: medianRatio(figures("submission"), figures("insert")),
          bound: { atLeast: 0.35 },
        },
      ],
    };
  });
}

function submissionRequest(path: string, token: string): LoadRequest {
  return {
    method: "POST",
    path,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    },
    body: JSON.stringify(issue),
  };
}
