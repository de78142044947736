/** Runs jobs with the real consumer, the real model port and the real objects; only GitHub and the API are scripted. */
import { createHash } from "node:crypto";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { JobMessage } from "../../src/contracts/queue-messages.ts";
import type { IssueDetail } from "../../src/contracts/organization-rpc.ts";
import type { GitHubPort } from "../../src/contracts/ports.ts";
import { isTerminalJobStatus } from "../../src/contracts/status.ts";
import type { OrganizationLimits } from "../../src/contracts/terms.ts";
import type { Timings } from "../../src/contracts/timings.ts";
import { createLogger } from "../../src/core/log.ts";
import { createAnthropicModel } from "../../src/integrations/anthropic/model-port.ts";
import { consumeJobs } from "../../src/queues/jobs.ts";
import type { SliceOrganization, SlicePorts } from "../../src/queues/slice.ts";
import {
  clients,
  everything,
  jobMessages,
  mintOrganizationId,
  objectOf,
  repository,
  type SubmissionChanges,
  submit,
} from "./organization-driver.ts";
import type { ApiTurn, ScriptedApi } from "./scripted-api.ts";
import { advanceMs, testClock } from "./test-clock.ts";

const files: Readonly<Record<string, string>> = {
  "README.md": "# ERP\n",
  "src/briefs.ts": "export const open = (status: string) => status !== 'SUBMITTED';\n",
};

function blobIdOf(text: string): string {
  return createHash("sha1").update(`blob ${text.length}\0`).update(text).digest("hex");
}

const gitHub: GitHubPort = {
  defaultBranchHead: () => Promise.resolve({ branch: "main", commit: "c".repeat(40) }),
  tree: () =>
    Promise.resolve(
      Object.entries(files).map(([path, text]) => ({
        path,
        blobId: blobIdOf(text),
        sizeBytes: text.length,
        mode: "100644",
      })),
    ),
  blob: (_repository, blobId) => {
    const text = Object.values(files).find((candidate) => blobIdOf(candidate) === blobId);
    return text === undefined
      ? Promise.reject(new Error("no such blob"))
      : Promise.resolve(new TextEncoder().encode(text));
  },
  openPullRequest: () => Promise.reject(new Error("not from a slice")),
};

/** So long that nothing of the protocol happens by time, unless the test moves the clock. */
const timings: Timings = {
  leaseMs: 60_000,
  heartbeatMs: 20_000,
  resendAfterMs: 60_000,
  resendMaxMs: 60_000,
  slotLeaseMs: 60_000,
  objectResendAfterMs: 60_000,
  objectResendMaxMs: 60_000,
  slotRenewMs: 60_000,
  controlPollMs: 60_000,
  modelCallMaxMs: 20_000,
  sliceMaxMs: 600_000,
  sliceAbortMs: 840_000,
};

/** Six model calls and six tool calls: twelve steps, a change of two files, a proposal and a report. */
const turns: readonly ApiTurn[] = [
  { text: "I look at the code.", calls: [{ name: "read_file", input: { path: "src/briefs.ts" } }] },
  {
    text: "The condition is wrong.",
    calls: [{ name: "edit_file", input: { path: "src/briefs.ts", oldText: "'SUBMITTED'", newText: "'CLOSED'" } }],
  },
  { calls: [{ name: "write_file", input: { path: "src/briefs.test.ts", content: "// proves it\n" } }] },
  { calls: [{ name: "git_diff" }] },
  {
    calls: [
      {
        name: "git_propose",
        input: { title: "Let submitted briefs move on", body: "The condition compared with the wrong status." },
      },
    ],
  },
  { calls: [{ name: "finish", input: { summary: "Fixed.", report: "# Report\nIt was the condition." } }] },
];

export const wholeJob = (turn: number): ApiTurn => turns[turn] ?? {};
export const stepsOfWholeJob = 2 * turns.length;
export const callsOfWholeJob = turns.length;

export interface EnginePorts {
  readonly api: ScriptedApi;
  readonly timings?: Partial<Timings>;
  /** Stands between a slice and its organization's object. */
  readonly between?: (organization: SliceOrganization) => SliceOrganization;
}

function slicePorts({ api, between = (organization) => organization, timings: changed }: EnginePorts): SlicePorts {
  vi.stubGlobal("fetch", api.fetch);
  return {
    objects: {
      organization: (organizationId) => between(clients.organization(organizationId)),
      repository: (bound) => clients.repository(bound),
    },
    gitHub,
    model: createAnthropicModel({ apiKey: "test-key", baseUrl: "https://claude.invalid", clock: testClock }),
    clock: testClock,
    timings: { ...timings, ...changed },
    defaultModel: "sonnet",
    logger: createLogger({}, () => undefined),
  };
}

/** Delivers a message to the real consumer. */
export async function deliver(ports: EnginePorts, body: JobMessage): Promise<void> {
  const message = { id: body.dispatchId, attempts: 1, body, ack: () => undefined, retry: () => undefined };
  await consumeJobs(slicePorts(ports), { queue: "agent-jobs-0", messages: [message] });
}

export function readIssue(organizationId: string, issueId: string): Promise<IssueDetail> {
  return objectOf(organizationId)
    .readIssue({ organizationId, issueId, visibility: everything })
    .then((detail) => {
      if (detail === null) throw new Error("the issue is gone");
      return detail;
    });
}

/** Lets so much time pass for the platform's object and an organization's. */
export async function letTimePass(organizationId: string, byMs: number): Promise<void> {
  advanceMs(byMs);
  await runDurableObjectAlarm(env.PLATFORM.getByName("platform"));
  await runDurableObjectAlarm(env.ORGANIZATIONS.getByName(organizationId));
}

/** Long enough for the first back-offs and for what a provider asks in these tests; doubled while nothing happens. */
const firstPatienceMs = 6_000;
const longestPatienceMs = 60 * 60_000;

/** The next message beyond those seen; null when the issue's first job has ended. Time passes while it waits. */
async function nextMessage(organizationId: string, issueId: string, seen: number): Promise<JobMessage | null> {
  for (let patienceMs = firstPatienceMs; ; patienceMs *= 2) {
    const { jobs, waitingFor } = await readIssue(organizationId, issueId);
    if (jobs.some(({ status }) => isTerminalJobStatus(status))) return null;
    const message = waitingFor === "retry_delay" ? null : await arrival(organizationId, seen);
    if (message !== null) return message;
    if (patienceMs > longestPatienceMs) throw new Error(`nothing happens: ${JSON.stringify(jobs)}`);
    await letTimePass(organizationId, patienceMs);
  }
}

/** The message, if it comes while the objects talk to each other about it. */
async function arrival(organizationId: string, seen: number): Promise<JobMessage | null> {
  for (let polls = 0; polls < 20; polls += 1) {
    const message = jobMessages(organizationId).at(seen);
    if (message !== undefined) return message;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return null;
}

/** A new tenant that the platform knows. */
export async function newOrganization(limits: Partial<OrganizationLimits> = {}): Promise<string> {
  const organizationId = mintOrganizationId();
  const limitOverrides = { limits, expiresAtMs: null };
  const settings = { organizationId, tier: "pro", slug: "acme", repository, limitOverrides } as const;
  await clients.platform().putOrganization({ ...settings, actor: { kind: "platform", name: "root" } });
  return organizationId;
}

/** Submits with the platform's terms, as an edge does, an issue that begins with its work. */
export async function submitWork(organizationId: string, changes: SubmissionChanges = {}): Promise<string> {
  const terms = await clients.platform().readTerms(organizationId);
  const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow", terms, ...changes });
  return issueId;
}

/** Submits an issue that one agent works on, and runs its job to the end, message by message. */
export async function runToEnd(
  organizationId: string,
  ports: EnginePorts,
  changes: SubmissionChanges = {},
): Promise<IssueDetail> {
  const earlier = jobMessages(organizationId).length;
  const issueId = await submitWork(organizationId, changes);
  for (let seen = earlier; ; seen += 1) {
    const message = await nextMessage(organizationId, issueId, seen);
    if (message === null) return readIssue(organizationId, issueId);
    await deliver(ports, message);
  }
}

/** The stored transcript of a job's attempt. */
export function transcriptOf(organizationId: string, jobId: string, attempt = 1): Promise<readonly string[]> {
  return runInDurableObject(env.ORGANIZATIONS.getByName(organizationId), (_object, { storage }) =>
    storage.sql
      .exec<{ message: string }>(
        "SELECT message FROM messages WHERE job_id = ? AND attempt = ? ORDER BY position",
        jobId,
        attempt,
      )
      .toArray()
      .map(({ message }) => message),
  );
}

/** What the issue has produced, without what every run has of its own. */
export async function resultsOf(organizationId: string, issueId: string) {
  const whole = { organizationId, issueId, visibility: everything, after: null, limit: 100 };
  const views = await objectOf(organizationId).listArtifacts(whole);
  return (views?.items ?? []).map(({ artifact: { type, name, filePath, metadata }, content, diffPatch }) => ({
    type,
    name,
    filePath,
    metadata,
    content,
    diffPatch,
  }));
}
