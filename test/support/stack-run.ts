/** What the stack's tests do with an issue, and how they read what became of it. */
import { Client } from "pg";
import type { z } from "zod";
import { demoIssue } from "../../demo/demo-issue.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import { issueDetailSchema, reviewViewSchema, submitResponseSchema } from "../../src/contracts/http-views.ts";
import type { LiveFrame } from "../../src/contracts/live-frames.ts";
import type { IssueStatus } from "../../src/contracts/status.ts";
import { requireApi, type ApiCaller } from "../../scripts/local/api-client.ts";
import { findReviewOfIssue, followIssue } from "../../scripts/local/demo-run.ts";
import { openLiveSocket } from "../../scripts/local/live-socket.ts";
import { waitUntil } from "../../scripts/local/wait-until.ts";
import type { RunHistory } from "./normalize-history.ts";
import type { StackSuite, Tenant } from "./stack-suite.ts";

export type IssueDetailView = z.infer<typeof issueDetailSchema>;

const runWithinMs = 60_000;

/** Submits the demo's issue as the tenant's staff and returns its id; a remark tells it from the others' for the journal. */
export async function submitDefect(tenant: Tenant, remark = ""): Promise<string> {
  const issue = { ...demoIssue, description: `${demoIssue.description}${remark}` };
  return (await requireApi(tenant.staff, submitResponseSchema, "POST", "", issue)).id;
}

export async function readIssue(caller: ApiCaller, issueId: string): Promise<IssueDetailView> {
  return requireApi(caller, issueDetailSchema, "GET", `/${issueId}`);
}

/** Follows the issue live, over restarts of the Worker, until it has the status. Throws when that takes too long. */
export async function untilStatus(caller: ApiCaller, issueId: string, status: IssueStatus): Promise<void> {
  await untilEvent(caller, issueId, (event) => event.type === "issue.status_changed" && event.data.status === status);
}

/** Follows the issue live until an event matches, and returns it. Throws when that takes too long. */
export async function untilEvent(
  caller: ApiCaller,
  issueId: string,
  matches: (event: OrganizationEvent) => boolean,
): Promise<OrganizationEvent> {
  const seen: OrganizationEvent[] = [];
  let found: OrganizationEvent | null = null;
  const onEvent = (event: OrganizationEvent): Promise<boolean> => {
    seen.push(event);
    if (matches(event)) found = event;
    return Promise.resolve(found !== null);
  };
  await followIssue({ caller, issueId, fromStart: true, onEvent, signal: AbortSignal.timeout(runWithinMs) });
  if (found !== null) return found;
  throw new Error(`the event did not come; seen: ${seen.map((event) => `${event.seq} ${event.type}`).join(", ")}`);
}

/** Approves the issue's waiting review as the platform administrator. */
export async function approve(tenant: Tenant, issueId: string): Promise<void> {
  const review = await findReviewOfIssue(tenant.admin, issueId);
  if (review === null) throw new Error(`no review of ${issueId} waits`);
  const decision = { decision: "approve", contentHash: review.contentHash };
  await requireApi(tenant.admin, reviewViewSchema, "POST", `/reviews/${review.id}`, decision);
}

/** Every frame that a new socket replays, up to the last event of the log. */
export async function replay(caller: ApiCaller, issueId?: string): Promise<readonly LiveFrame[]> {
  const socket = await openLiveSocket(caller, { after: 0, ...(issueId !== undefined && { issueId }) });
  const frames: LiveFrame[] = [];
  let lastSeq = 0;
  for await (const frame of socket.frames) {
    frames.push(frame);
    if (frame.kind === "hello") lastSeq = frame.lastSeq;
    const reached = frame.kind === "events" ? (frame.events.at(-1)?.seq ?? 0) : 0;
    if (frame.kind !== "text" && reached >= lastSeq) socket.close();
  }
  return frames;
}

/** All events of the tenant's organization, in order. */
export async function readEvents(tenant: Tenant): Promise<readonly OrganizationEvent[]> {
  return eventsOf(await replay(tenant.admin));
}

export function eventsOf(frames: readonly LiveFrame[]): readonly OrganizationEvent[] {
  return frames.flatMap((frame) => (frame.kind === "events" ? frame.events : []));
}

/** The stable order of each table's rows; ids of one millisecond have none. */
const tableOrders = {
  AgentIssue: `"createdAt"`,
  AgentJob: `"createdAt"`,
  AgentStep: `(SELECT "createdAt" FROM agents."AgentJob" job WHERE job."id" = "jobId"), "attempt", "number"`,
  AgentArtifact: `"createdAt"`,
  AgentLog: `"timestamp", "message"`,
  AgentReview: `"createdAt"`,
  AgentEffect: `"createdAt"`,
  AgentParkedEvent: `"seq"`,
} as const;

export type Rows = Readonly<Record<keyof typeof tableOrders, readonly Readonly<Record<string, unknown>>[]>>;

/** The organization's rows, past row-level security. */
export async function readRows(suite: StackSuite, organizationId: string): Promise<Rows> {
  const client = new Client(suite.database.adminUrl);
  await client.connect();
  try {
    const read = async (table: keyof typeof tableOrders): Promise<Rows[typeof table]> => {
      const where = `WHERE "organizationId" = $1 ORDER BY ${tableOrders[table]}`;
      const { rows } = await client.query<Rows[typeof table][number]>(`SELECT * FROM agents."${table}" ${where}`, [
        organizationId,
      ]);
      return rows;
    };
    return {
      AgentIssue: await read("AgentIssue"),
      AgentJob: await read("AgentJob"),
      AgentStep: await read("AgentStep"),
      AgentArtifact: await read("AgentArtifact"),
      AgentLog: await read("AgentLog"),
      AgentReview: await read("AgentReview"),
      AgentEffect: await read("AgentEffect"),
      AgentParkedEvent: await read("AgentParkedEvent"),
    };
  } finally {
    await client.end();
  }
}

/** Waits until PostgreSQL has every event of the log. */
export async function untilProjected(suite: StackSuite, tenant: Tenant): Promise<void> {
  const { length } = await readEvents(tenant);
  const client = new Client(suite.database.adminUrl);
  await client.connect();
  try {
    await waitUntil(
      "the projection",
      async () => {
        const { rows } = await client.query<{ seq: string }>(
          `SELECT "seq" FROM agents."AgentProjection" WHERE "organizationId" = $1`,
          [tenant.organization.id],
        );
        return Number(rows[0]?.seq ?? 0) >= length ? rows : null;
      },
      { withinMs: runWithinMs },
    );
  } finally {
    await client.end();
  }
}

/** The finished run as a whole, for comparison with another. */
export async function readHistory(suite: StackSuite, tenant: Tenant, issueId: string): Promise<RunHistory> {
  await untilProjected(suite, tenant);
  return {
    events: await readEvents(tenant),
    detail: await readIssue(tenant.admin, issueId),
    rows: await readRows(suite, tenant.organization.id),
  };
}

/** What a tenant's history calls its own, by fixed names. */
export function tenantNames({ organization }: Tenant): Readonly<Record<string, string>> {
  const users = Object.values(organization.users).map((user): [string, string] => [user.id, user.level]);
  return {
    [organization.id]: "ORGANIZATION",
    [organization.name]: "ORGANIZATION NAME",
    [organization.slug]: "ORGANIZATION SLUG",
    ...Object.fromEntries(users),
  };
}
