/** Drives an organization's object as edge, consumers and platform would, in the words of the tests. */
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { JobMessage } from "../../src/contracts/queue-messages.ts";
import { jobMessageSchema } from "../../src/contracts/queue-messages.ts";
import type {
  ArtifactDraft,
  Assignment,
  AttemptPrompt,
  Checkpoint,
  OrganizationRpc,
  SubmitCommand,
  SubmitReceipt,
} from "../../src/contracts/organization-rpc.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { StepRecord, TriageView } from "../../src/contracts/records.ts";
import { limitsByTier, sealTerms, type Terms } from "../../src/contracts/terms.ts";
import { createObjectClients } from "../../src/durable-objects/clients.ts";
import { receivedMessages } from "./received-messages.ts";

export const clients = createObjectClients(env);
export const repository = { owner: "spokestack", name: "erp" };
export const everything = { kind: "all" } as const;

/** A new tenant, for one test. */
export function mintOrganizationId(): string {
  return `org-${crypto.randomUUID()}`;
}

export function termsFor(organizationId: string, overrides: Partial<Terms["limits"]> = {}): Terms {
  return {
    organizationId,
    version: 1,
    tier: "pro",
    limits: { ...limitsByTier.pro, ...overrides },
    slug: "acme",
    repository,
    switches: [],
    breakers: [],
    outcomes: [],
    clear: null,
  };
}

/** What a test's submission is to differ in from the usual one. */
export type SubmissionChanges = Partial<Omit<SubmitCommand, "terms">> & { readonly terms?: Terms };

export function submitCommand(
  organizationId: string,
  { terms = termsFor(organizationId), ...changes }: SubmissionChanges = {},
): SubmitCommand {
  return {
    organizationId,
    terms: sealTerms(terms),
    source: "MANUAL",
    type: "BUG",
    priority: "MEDIUM",
    title: "Briefs are stuck",
    description: "They never leave SUBMITTED.",
    context: {},
    externalId: null,
    requestedAgentType: null,
    requestedModel: null,
    notBeforeMs: null,
    expiresAtMs: null,
    concurrencyKey: null,
    maxCostMicroUsd: null,
    createdById: "user-1",
    submitterLevel: "STAFF",
    correlationId: "req_test",
    idempotency: null,
    ...changes,
  };
}

export function objectOf(organizationId: string): OrganizationRpc {
  return clients.organization(organizationId);
}

export async function submit(organizationId: string, changes: SubmissionChanges = {}): Promise<SubmitReceipt> {
  const outcome = await objectOf(organizationId).submit(submitCommand(organizationId, changes));
  if (!outcome.ok) throw new Error(`refused: ${outcome.failure.code}`);
  return outcome.value;
}

/** Job messages of an organization, in the order they came. */
export function jobMessages(organizationId: string): readonly JobMessage[] {
  return receivedMessages()
    .filter(({ queue }) => queue.startsWith("agent-jobs"))
    .map(({ body }) => jobMessageSchema.parse(body))
    .filter((message) => message.organizationId === organizationId);
}

/** Waits for the first message of a job beyond those already seen. */
export async function nextJobMessage(organizationId: string, seen = 0): Promise<JobMessage> {
  return vi.waitUntil(() => jobMessages(organizationId).at(seen), { timeout: 5_000 });
}

/** Claims the job of a message; the claim must succeed. */
export async function claim(message: JobMessage): Promise<Assignment> {
  const answer = await objectOf(message.organizationId).claim(message);
  if (answer.kind !== "claimed") throw new Error("the claim was stale");
  return answer.assignment;
}

export function modelStep(assignment: Assignment, number: number, costMicroUsd = 100): StepRecord {
  return {
    jobId: assignment.job.id,
    attempt: assignment.attempt.number,
    number,
    kind: "model",
    name: "claude-haiku-5-5",
    input: "in",
    inputCharacters: 2,
    output: "out",
    isError: false,
    policy: null,
    startedAtMs: 0,
    durationMs: 1,
    usage: { inputTokens: 1, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 1 },
    reservedMicroUsd: 700,
    costMicroUsd,
    stopReason: "end_turn",
  };
}

export function checkpointOf(assignment: Assignment, changes: Partial<Checkpoint> = {}): Checkpoint {
  return {
    organizationId: assignment.issue.organizationId,
    jobId: assignment.job.id,
    epoch: assignment.epoch,
    attempt: assignment.attempt.number,
    steps: [],
    appendedMessages: [],
    workspace: [],
    artifacts: [],
    logs: [],
    heardMessageIds: [],
    ...changes,
  };
}

/** What an attempt always sends, over this commit. */
export function promptOver(base: Pick<AttemptPrompt, "baseCommit" | "baseBranch">): AttemptPrompt {
  return { modelId: "claude-sonnet-5-5", system: "You fix briefs.", toolsJson: "[]", outputSchemaJson: null, ...base };
}

/** Messages of a transcript: one of the agent's, and one to it. */
export const saying = (text: string): string =>
  JSON.stringify({ role: "assistant", content: [{ type: "text", text }] });
export const asking = (text: string): string => JSON.stringify({ role: "user", content: [{ type: "text", text }] });

export const changedFiles = [{ path: "src/modules/briefs/status.ts", content: "export const fixed = true;\n" }];

export function codeChange(changes: Partial<ArtifactDraft> = {}): ArtifactDraft {
  return {
    type: "CODE_CHANGE",
    name: "Let briefs leave SUBMITTED",
    content: "The guard compared with the wrong status.",
    filePath: "src/modules/briefs/status.ts",
    diffPatch: "--- a/x\n+++ b/x\n",
    metadata: { title: "Let briefs leave SUBMITTED", baseCommit: "c0ffee", baseBranch: "main", repository },
    files: changedFiles,
    ...changes,
  };
}

export const triage: TriageView = {
  type: "BUG",
  priority: "HIGH",
  module: "briefs",
  complexity: 4,
  agent: "briefs.status-workflow",
  confidence: 0.9,
  reason: "It names the status.",
  estimate: { costMicroUsd: 10_000, durationSeconds: 60 },
};

/** Claims the organization's next message and ends that job with an outcome. */
export async function runJob(
  organizationId: string,
  seen: number,
  outcome: Parameters<OrganizationRpc["finish"]>[0]["outcome"],
  artifacts: readonly ArtifactDraft[] = [],
): Promise<Assignment> {
  const assignment = await claim(await nextJobMessage(organizationId, seen));
  const { epoch, job } = assignment;
  const answer = await objectOf(organizationId).finish({ organizationId, jobId: job.id, epoch, outcome, artifacts });
  expect(answer).toEqual({ accepted: true });
  return assignment;
}

export const triaged = {
  role: "triage",
  triage,
  byRules: false,
  next: { agentType: triage.agent, model: "sonnet", modelReason: "complexity 4" },
} as const;

/** Brings an issue to an open review; three job messages have been seen then. */
export async function bringToReview(
  organizationId: string,
  draft: ArtifactDraft = codeChange(),
): Promise<{ readonly issueId: string; readonly reviewId: string; readonly contentHash: string }> {
  const { issueId } = await submit(organizationId);
  await runJob(organizationId, 0, triaged);
  await runJob(organizationId, 1, { role: "work", summary: "Fixed." }, [draft]);
  await runJob(organizationId, 2, { role: "review", decision: "pass", summary: "Looks right." });
  const query = { organizationId, status: ["OPEN"], before: null, limit: 10 } as const;
  const {
    matching: [review],
  } = await objectOf(organizationId).listUnprojectedReviews(query);
  if (review === undefined) throw new Error("no review is open");
  return { issueId, reviewId: review.id, contentHash: review.contentHash };
}

export async function allEvents(organizationId: string): Promise<readonly OrganizationEvent[]> {
  const { events } = await objectOf(organizationId).readEvents({ organizationId, after: null, limit: 10_000 });
  return events;
}

export function expectNoGaps(events: readonly OrganizationEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
}

/** The message that a call fails with. An RPC's promise is awaited, because a matcher would wait for a copy of it. */
export async function failureOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("the call did not fail");
}
