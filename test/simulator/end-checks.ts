/** What must hold when everything has come to rest. */
import type { IssueStatus } from "../../src/contracts/status.ts";
import { isTerminalJobStatus } from "../../src/contracts/status.ts";
import type { ObjectHost } from "./object-host.ts";
import type { OrganizationModel } from "./organization-model.ts";
import { stepCostMaxMicroUsd } from "./slice-content.ts";
import type { World } from "./world.ts";

export interface JobCounts {
  /** Whether they succeeded or failed; what was cancelled did neither. */
  readonly ended: number;
  readonly completed: number;
}

/** An issue may rest in these, paused, or without money: it has ended, or someone has yet to decide. */
const restingStatuses: ReadonlySet<IssueStatus> = new Set<IssueStatus>(["COMPLETED", "FAILED", "CANCELLED", "REVIEW"]);

/** Deadlines of work under way: a quiet object has none of them. */
const busyDeadlines = ["dispatch", "lease", "retry", "report", "renew", "records", "effect-send", "effect-lease"];

export function countJobs(models: Iterable<OrganizationModel>): JobCounts {
  const statuses = [...models].flatMap((model) => [...model.jobs.values()].map(({ status }) => status));
  return {
    ended: statuses.filter((status) => isTerminalJobStatus(status) && status !== "CANCELLED").length,
    completed: statuses.filter((status) => status === "COMPLETED").length,
  };
}

export function checkEnd(world: World): void {
  const report = (problem: string): void => world.observer.report(`at the end: ${problem}`);
  for (const [organizationId, host] of world.organizations) {
    const model = world.observer.models.get(organizationId);
    if (model === undefined) continue;
    const say = (problem: string): void => report(`${organizationId}: ${problem}`);
    const hasMoney = world.observer.roomMicroUsd(host) >= stepCostMaxMicroUsd;
    checkIssues(host, model, hasMoney, say);
    checkQuiet(host, say);
    checkProjection(world, host, say);
  }
  checkPlatform(world, report);
  for (const key of world.gitHub.ambiguousKeys()) report(`more than one thing was asked of GitHub under ${key}`);
}

function checkIssues(
  { disk }: ObjectHost,
  model: OrganizationModel,
  hasMoney: boolean,
  report: (problem: string) => void,
): void {
  for (const [issueId, status] of model.issues) {
    const isHeld = model.paused.has(issueId) || (status === "QUEUED" && !hasMoney);
    const waitsForPaused = status === "QUEUED" && model.keyed.has(issueId) && model.paused.size > 0;
    if (!restingStatuses.has(status) && !isHeld && !waitsForPaused) report(`${issueId} has not ended: ${status}`);
  }
  for (const { id, status } of disk.query<{ id: string; status: string }>("SELECT id, status FROM issues")) {
    if (model.issues.get(id) !== status) report(`${id} is ${status}, but its events say ${model.issues.get(id)}`);
  }
  for (const { id, status } of disk.query<{ id: string; status: string }>("SELECT id, status FROM jobs")) {
    if (model.jobs.get(id)?.status !== status) report(`${id} is ${status}, but its events say otherwise`);
  }
}

function checkQuiet({ disk }: ObjectHost, report: (problem: string) => void): void {
  for (const { name } of disk.query<{ name: string }>("SELECT name FROM deadlines")) {
    if (busyDeadlines.some((kind) => name === kind || name.startsWith(`${kind}:`))) report(`${name} is still due`);
  }
}

function checkProjection(world: World, { name, disk }: ObjectHost, report: (problem: string) => void): void {
  const stored = disk.query<{ event: string }>("SELECT event FROM events ORDER BY seq").map(({ event }) => event);
  const projected = world.store.eventsOf(name).map((event) => JSON.stringify(event));
  if (stored.length !== projected.length || stored.some((event, index) => event !== projected[index])) {
    report(`of ${stored.length} events ${projected.length} were projected, or not in their order`);
  }
}

function checkPlatform({ platform, gitHub, organizations }: World, report: (problem: string) => void): void {
  const [slots] = platform.disk.query<{ n: number }>("SELECT COUNT(*) AS n FROM slots");
  if (slots !== undefined && slots.n > 0) report(`${slots.n} slots are held, and nobody works`);
  for (const branch of gitHub.branches()) {
    const owner = [...organizations.values()].find(({ name }) => branch.startsWith(`agent/org-${name}/`));
    const issueId = branch.split("/").at(-1) ?? "";
    if ((owner?.disk.query("SELECT id FROM issues WHERE id = ?", issueId) ?? []).length !== 1) {
      report(`the branch ${branch} belongs to nobody`);
    }
  }
}
