/** Speaks to the driver: the Worker that stands where the queues' consumers are. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { adminTokenOf, agentsService, driverService } from "./harness-agents.ts";
import type { Repository } from "../src/contracts/terms.ts";
import type { LoadRequest } from "./harness-load.ts";
import type { World } from "./harness-world.ts";

const pollMs = 100;

const progressSchema = z.object({ finished: z.int() });
const resultSchema = z.object({ started: z.array(z.string()), gapsMs: z.array(z.number()) });
export type DriverResult = z.infer<typeof resultSchema>;

export async function askDriver({ runtime }: World, path: string, body: unknown = {}): Promise<Response> {
  const url = `${runtime.url(driverService)}${path}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the driver answered ${response.status} to ${path}`);
  return response;
}

/** Waits until so many jobs have ended. Throws when none ends for a long time. */
export async function finishedJobs(world: World, count: number, stalledAfterMs: number): Promise<DriverResult> {
  let seen = 0;
  let lastChangeAtMs = performance.now();
  for (;;) {
    const progress = progressSchema.parse(await (await askDriver(world, "/progress")).json());
    if (progress.finished >= count) return resultSchema.parse(await (await askDriver(world, "/result")).json());
    if (progress.finished > seen) lastChangeAtMs = performance.now();
    seen = progress.finished;
    if (performance.now() - lastChangeAtMs > stalledAfterMs) {
      throw new Error(`only ${progress.finished} of ${count} jobs ended`);
    }
    await pause(pollMs);
  }
}

const slicesSchema = z.object({ running: z.int() });

/** Waits until no slice runs any more. */
export async function slicesEnded(world: World): Promise<void> {
  while (slicesSchema.parse(await (await askDriver(world, "/slices")).json()).running > 0) await pause(pollMs);
}

const issue = {
  type: "QUESTION",
  title: "How many briefs wait for approval?",
  description: "Count the briefs that were submitted and not decided, by client.",
  // Begins with the work itself: no triage, and so one job an issue.
  agentType: "meta.research",
};

/** A submission by an administrator in the name of an organization: one job of one agent. */
export function oneJobSubmission(administrator: string, organizationId: string, title = issue.title): LoadRequest {
  return {
    method: "POST",
    path: "/api/agents",
    headers: {
      authorization: `Bearer ${adminTokenOf(administrator)}`,
      "x-organization-id": organizationId,
      "content-type": "application/json",
    },
    body: JSON.stringify({ ...issue, title }),
  };
}

/** Sets an organization's limits. */
export async function setLimits(
  { runtime }: World,
  administrator: string,
  organizationId: string,
  limits: Readonly<Record<string, number>>,
  repository: Repository | null = null,
): Promise<void> {
  const response = await fetch(`${runtime.url(agentsService)}/api/agents/admin/organizations/${organizationId}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${adminTokenOf(administrator)}`, "content-type": "application/json" },
    body: JSON.stringify({ tier: "enterprise", repository, limitOverrides: { limits } }),
  });
  if (!response.ok) throw new Error(`the limits were not set: ${await response.text()}`);
}
