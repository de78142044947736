/** What must hold when everything has come to rest. */
import { isTerminalJobStatus } from "../../src/contracts/status.ts";
import { roomMicroUsd } from "./money-rules.ts";
import type { ObjectHost } from "./object-host.ts";
import type { OrganizationModel } from "./organization-model.ts";
import { patienceMs } from "./overdue.ts";
import { Resting } from "./resting.ts";
import { stepCostMaxMicroUsd } from "./slice-content.ts";
import { isOver, switchesOnPlatform } from "./switches-at.ts";
import type { World } from "./world.ts";

export interface JobCounts {
  /** Whether they succeeded or failed; what was cancelled did neither. */
  readonly ended: number;
  readonly completed: number;
}

const endedStatuses: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CANCELLED"]);

/** Deadlines of work under way: a quiet object has none of them. */
const busyDeadlines = ["dispatch", "lease", "retry", "report", "renew", "records", "effect-send", "effect-lease"];
const busyPlatformDeadlines = ["offer", "slot", "terms"];

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
    checkIssues(world, host, model, say);
    checkConversation(world, host, model, say);
    checkExpiries(host, say);
    checkQuiet(host, say);
    checkProjection(world, host, say);
  }
  checkPlatform(world, report);
  for (const branch of world.gitHub.ambiguousBranches())
    report(`more than one thing was asked of GitHub for ${branch}`);
}

/** What must hold when nothing has happened for weeks: what is over has left, and where nothing is left nothing is due. */
export function checkAsleep(world: World): void {
  const { observer, organizations, platform } = world;
  const report = (problem: string): void => observer.report(`weeks later: ${problem}`);
  for (const [organizationId, model] of observer.models) {
    const host = organizations.get(organizationId);
    if (host === undefined) continue;
    const say = (problem: string): void => report(`${organizationId}: ${problem}`);
    checkIssues(world, host, model, say);
    checkConversation(world, host, model, say);
    checkExpiries(host, say);
  }
  for (const { name, disk } of [platform, ...organizations.values()]) {
    const issues = name === "platform" ? [] : disk.query<{ status: string }>("SELECT status FROM issues");
    const ended = issues.filter(({ status }) => endedStatuses.has(status));
    if (ended.length > 0) report(`${name} still keeps ${ended.length} issues that have ended`);
    // Whoever has work left may wait for the calendar: for money, or for a time.
    if (issues.length > 0) continue;
    const [deadline] = disk.query<{ name: string }>("SELECT name FROM deadlines");
    if (deadline !== undefined) report(`${name} still has ${deadline.name} to do`);
    if (disk.alarmAtMs !== null) report(`${name} still has an alarm`);
  }
}

function checkIssues(
  world: World,
  host: ObjectHost,
  model: OrganizationModel,
  report: (problem: string) => void,
): void {
  const { disk } = host;
  const hasMoney = roomMicroUsd(host) >= stepCostMaxMicroUsd;
  const questions = world.observer.conversations.get(host.name)?.open() ?? [];
  const resting = new Resting(world.platform, host, model, { hasMoney, questions });
  for (const [issueId, status] of model.issues) {
    if (!resting.mayRest(issueId, status)) report(`${issueId} has not ended: ${status}`);
    if (resting.isUnwanted(issueId, status)) report(`${issueId} still waits, but is wanted no longer`);
  }
  for (const { id, status } of disk.query<{ id: string; status: string }>("SELECT id, status FROM issues")) {
    if (model.issues.get(id) !== status) report(`${id} is ${status}, but its events say ${model.issues.get(id)}`);
  }
  for (const { id, status } of disk.query<{ id: string; status: string }>("SELECT id, status FROM jobs")) {
    if (model.jobs.get(id)?.status !== status) report(`${id} is ${status}, but its events say otherwise`);
  }
}

/** Nothing waits for a person when its time is over. */
function checkExpiries(host: ObjectHost, report: (problem: string) => void): void {
  const overMs = host.nowMs() - patienceMs;
  const waiting = host.disk.query<{ id: string }>(
    `SELECT id FROM reviews WHERE status = 'OPEN' AND record ->> '$.expiresAtMs' < ?1
     UNION ALL SELECT id FROM questions WHERE status = 'OPEN' AND record ->> '$.expiresAtMs' < ?1`,
    overMs,
  );
  for (const { id } of waiting) report(`${id} is open, though its time is over`);
}

/** Nobody is asked in vain: what has ended waits for no answer, and has heard everything if it came to its end. */
function checkConversation(
  { observer }: World,
  { name }: ObjectHost,
  model: OrganizationModel,
  report: (problem: string) => void,
): void {
  const conversation = observer.conversations.get(name);
  for (const { id, issueId } of conversation?.open() ?? []) {
    const status = model.issues.get(issueId);
    if (status !== "PROCESSING") report(`${id} is open, and ${issueId} is ${status}`);
  }
  for (const [issueId, status] of model.issues) {
    const unheard = conversation?.unheardOf(issueId) ?? 0;
    if (unheard > 0 && (status === "COMPLETED" || status === "REVIEW"))
      report(`${issueId} is ${status}, and ${unheard} messages to it were not heard`);
  }
}

function checkQuiet(
  host: ObjectHost,
  report: (problem: string) => void,
  busy: readonly string[] = busyDeadlines,
): void {
  // Work that was put off for hours is not under way.
  const soonMs = host.nowMs() + 60 * 60_000;
  const soon = host.disk.query<{ name: string }>("SELECT name FROM deadlines WHERE due_at_ms < ?", soonMs);
  for (const { name } of soon) {
    if (busy.some((kind) => name === kind || name.startsWith(`${kind}:`))) report(`${name} is still due`);
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
  checkQuiet(platform, report, busyPlatformDeadlines);
  const nowMs = platform.nowMs();
  for (const over of switchesOnPlatform(platform.disk).filter((candidate) => isOver(candidate, nowMs)))
    report(`the switch ${over.id} is there, though its time is over`);
  checkOverrides(platform, report);
  const [slots] = platform.disk.query<{ n: number }>("SELECT COUNT(*) AS n FROM slots");
  if (slots !== undefined && slots.n > 0) report(`${slots.n} slots are held, and nobody works`);
  for (const branch of gitHub.branches()) {
    const owner = [...organizations.values()].find(({ name }) => branch.startsWith(`agent/org-${name}/`));
    // A later change of the issue has its number behind it.
    const issueId = (branch.split("/").at(-1) ?? "").replace(/-\d+$/u, "");
    if ((owner?.disk.query("SELECT id FROM issues WHERE id = ?", issueId) ?? []).length !== 1) {
      report(`the branch ${branch} belongs to nobody`);
    }
  }
}

/** Limits that were set for a time hold no longer than that, on the platform and where it has told of them. */
function checkOverrides(platform: ObjectHost, report: (problem: string) => void): void {
  const rows = platform.disk.query<{ id: string; expires: number | null }>(
    "SELECT id, settings ->> '$.limitOverrides.expiresAtMs' AS expires FROM organizations",
  );
  for (const { id, expires } of rows) {
    if (expires !== null && expires <= platform.nowMs()) report(`the limits of ${id} hold, though their time is over`);
  }
}
