/** One job's side of an organization's object, kept in memory, and batches of queue messages. */
import { randomUUID } from "node:crypto";
import type { MessageRecord } from "../../src/contracts/conversation.ts";
import type {
  AskCommand,
  Assignment,
  AttemptPrompt,
  CallRef,
  Checkpoint,
  FailCommand,
  FinishCommand,
  ReserveCommand,
  SettleCommand,
} from "../../src/contracts/organization-rpc.ts";
import type { IssueRecord, JobRecord, WorkspaceChange } from "../../src/contracts/records.ts";
import type { Timings } from "../../src/contracts/timings.ts";
import { createLogger, type Logger } from "../../src/core/log.ts";
import type { QueueBatch } from "../../src/queues/deliveries.ts";
import type { SliceOrganization } from "../../src/queues/slice.ts";

/** So long that nothing of the protocol happens by time in a test that does not want it. */
export const quietTimings: Timings = {
  leaseMs: 60_000,
  heartbeatMs: 20_000,
  resendAfterMs: 60_000,
  resendMaxMs: 60_000,
  slotLeaseMs: 60_000,
  objectResendAfterMs: 60_000,
  objectResendMaxMs: 60_000,
  slotRenewMs: 60_000,
  controlPollMs: 60_000,
  modelCallMaxMs: 60_000,
  sliceMaxMs: 60_000,
  sliceAbortMs: 60_000,
};

export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger whose lines can be looked at. */
export function keptLog(): { readonly logger: Logger; readonly lines: string[]; messages(level: string): string[] } {
  const lines: string[] = [];
  return {
    logger: createLogger({}, (level, line) => lines.push(`${level} ${line}`)),
    lines,
    messages: (level) => lines.filter((line) => line.startsWith(`${level} `)),
  };
}

export function issueOf(organizationId: string, change: Partial<IssueRecord> = {}): IssueRecord {
  return {
    id: `iss_${randomUUID()}`,
    organizationId,
    externalId: null,
    source: "MANUAL",
    type: "BUG",
    priority: "MEDIUM",
    title: "Briefs are stuck in SUBMITTED",
    description: "Since Monday nobody can move a brief to the next status.",
    context: {},
    status: "PROCESSING",
    createdById: null,
    submitterLevel: "STAFF",
    requestedAgentType: null,
    requestedModel: null,
    notBeforeMs: null,
    expiresAtMs: null,
    concurrencyKey: null,
    triage: null,
    correlationId: `req_${randomUUID()}`,
    costMicroUsd: 0,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...change,
  };
}

function jobOf(issue: IssueRecord, change: Partial<JobRecord>): JobRecord {
  return {
    id: `job_${randomUUID()}`,
    issueId: issue.id,
    organizationId: issue.organizationId,
    role: "work",
    agentType: "meta.research",
    model: "sonnet",
    modelReason: "test",
    status: "RUNNING",
    pausedReason: null,
    priority: 5,
    attempts: 1,
    maxAttempts: 3,
    startedAtMs: 0,
    completedAtMs: null,
    error: null,
    config: {},
    result: null,
    retryOf: null,
    costMicroUsd: 0,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...change,
  };
}

export interface MemoryJobOptions {
  readonly issue?: Partial<IssueRecord>;
  readonly job?: Partial<JobRecord>;
  readonly assignment?: Partial<Assignment>;
}

/** The object's memory of one job. Everything that a slice reported can be looked at. */
export class MemoryJob implements SliceOrganization {
  readonly organizationId = `org_${randomUUID()}`;
  readonly dispatchId = "dsp_1";
  readonly issue: IssueRecord;
  readonly job: JobRecord;
  epoch = 0;
  prompt: AttemptPrompt | null = null;
  readonly messages: string[] = [];
  readonly reserved: ReserveCommand[] = [];
  readonly released: CallRef[] = [];
  readonly checkpoints: Checkpoint[] = [];
  readonly finished: FinishCommand[] = [];
  readonly failed: FailCommand[] = [];
  readonly asked: AskCommand[] = [];
  /** What people have said that the agent has not heard. */
  unheard: MessageRecord[] = [];
  readonly text: string[] = [];
  isWatched = true;
  yields = 0;
  renewals = 0;
  /** Whether the current slice still holds the job. */
  isHeld = true;
  #change: Partial<Assignment>;
  #workspace: WorkspaceChange[] = [];

  constructor({ issue, job, assignment = {} }: MemoryJobOptions = {}) {
    this.issue = issueOf(this.organizationId, issue);
    this.job = jobOf(this.issue, job ?? {});
    this.#change = assignment;
  }

  #answer(): Promise<{ readonly accepted: boolean }> {
    return Promise.resolve({ accepted: this.isHeld });
  }

  /** What the next assignments say instead. */
  change(change: Partial<Assignment>): void {
    this.#change = { ...this.#change, ...change };
  }

  assignment(): Assignment {
    return {
      epoch: this.epoch,
      correlationId: this.issue.correlationId,
      issue: this.issue,
      job: this.job,
      slug: null,
      repository: null,
      allowedModels: ["haiku", "sonnet"],
      allowedAgents: "*",
      outcomes: [],
      attempt: {
        number: 1,
        prompt: this.prompt,
        messages: [...this.messages],
        stepCount: this.checkpoints.reduce((sum, checkpoint) => sum + checkpoint.steps.length, 0),
        lastUsage: null,
      },
      used: { earlierSteps: 0, tokenCount: 0, ranForMs: 0 },
      lastAttempt: null,
      workspace: [...this.#workspace],
      workspaceBase: null,
      underReview: null,
      toolsOff: [],
      isDebugged: false,
      conversation: { questions: [], messages: [] },
      ...this.#change,
    };
  }

  claim: SliceOrganization["claim"] = ({ dispatchId }) => {
    if (dispatchId !== this.dispatchId) return Promise.resolve({ kind: "stale" });
    this.epoch += 1;
    return Promise.resolve({ kind: "claimed", assignment: this.assignment() });
  };
  renewLease: SliceOrganization["renewLease"] = () => {
    this.renewals += 1;
    return this.#answer();
  };
  readonly settled: SettleCommand[] = [];
  settle: SliceOrganization["settle"] = (command) => {
    this.settled.push(command);
    return this.#answer();
  };
  /** Waits for ever, as an object without news nearly does. */
  control: SliceOrganization["control"] = () => new Promise(() => undefined);
  beginAttempt: SliceOrganization["beginAttempt"] = ({ prompt, firstMessage }) => {
    if (this.isHeld) {
      this.prompt = prompt;
      this.messages.push(firstMessage);
    }
    return this.#answer();
  };
  reserve: SliceOrganization["reserve"] = (command) => {
    if (!this.isHeld) return Promise.resolve({ kind: "stale" });
    this.reserved.push(command);
    return Promise.resolve({ kind: "reserved" });
  };
  release: SliceOrganization["release"] = (ref) => {
    this.released.push(ref);
    return this.#answer();
  };
  checkpoint: SliceOrganization["checkpoint"] = (checkpoint) => {
    if (this.isHeld) {
      this.checkpoints.push(checkpoint);
      this.messages.push(...checkpoint.appendedMessages);
      const changed = new Map([...this.#workspace, ...checkpoint.workspace].map((each) => [each.path, each]));
      this.#workspace = [...changed.values()];
      this.unheard = this.unheard.filter(({ id }) => !checkpoint.heardMessageIds.includes(id));
    }
    return Promise.resolve(this.isHeld ? { accepted: true, unheard: this.unheard } : { accepted: false });
  };
  askPerson: SliceOrganization["askPerson"] = (command) => {
    if (this.isHeld) this.asked.push(command);
    return this.#answer();
  };
  streamText: SliceOrganization["streamText"] = ({ text }) => {
    this.text.push(text);
    return Promise.resolve({ watched: this.isWatched });
  };
  finish: SliceOrganization["finish"] = (command) => {
    if (this.isHeld) this.finished.push(command);
    return this.#answer();
  };
  fail: SliceOrganization["fail"] = (command) => {
    if (this.isHeld) this.failed.push(command);
    return this.#answer();
  };
  yieldSlice: SliceOrganization["yieldSlice"] = () => {
    this.yields += 1;
    return this.#answer();
  };
}

export type Settled = "ack" | `retry ${number}`;

/** A batch of these bodies that remembers how each message was settled. */
export function batchOf(queue: string, bodies: readonly unknown[], attempts = 1): QueueBatch & { settled: Settled[] } {
  const settled: Settled[] = [];
  const messages = bodies.map((body, index) => ({
    id: `m${index}`,
    attempts,
    body,
    ack: () => {
      settled[index] = "ack";
    },
    retry: ({ delaySeconds }: { readonly delaySeconds: number }) => {
      settled[index] = `retry ${delaySeconds}`;
    },
  }));
  return { queue, messages, settled };
}
