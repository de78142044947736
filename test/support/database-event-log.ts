/** An organization's event log in memory: it feeds the projection as the organization's object would. */
import type { MessageRecord, QuestionRecord } from "../../src/contracts/conversation.ts";
import { organizationEventSchema, type EventCursor, type OrganizationEvent } from "../../src/contracts/events.ts";
import type { EventSource } from "../../src/contracts/ports.ts";
import type {
  ArtifactRecord,
  EffectRecord,
  IssueRecord,
  JobRecord,
  LogRecord,
  ReviewRecord,
  StepRecord,
} from "../../src/contracts/records.ts";
import { newId } from "../../src/core/ids.ts";

const firstMs = Date.UTC(2026, 10, 2, 9);

/** An event to be appended; the log numbers it and parses the whole. */
export interface EventToAppend {
  readonly type: OrganizationEvent["type"];
  readonly issueId: string;
  readonly jobId?: string;
  readonly data: unknown;
}

/** What a source is asked, in order. */
export interface AskedEvents {
  readonly after: EventCursor | null;
  readonly limit: number;
}

export class EventLogFixture implements EventSource {
  readonly organizationId: string;
  readonly incarnation = newId("incarnation", Date.now());
  readonly asked: AskedEvents[] = [];
  readonly bodyTexts: Record<string, string> = {};
  readonly #events: OrganizationEvent[] = [];

  constructor(organizationId: string) {
    this.organizationId = organizationId;
  }

  get lastSeq(): number {
    return this.#events.length;
  }

  append(event: EventToAppend): OrganizationEvent {
    const seq = this.lastSeq + 1;
    const numbered = organizationEventSchema.parse({ jobId: null, ...event, seq, atMs: firstMs + seq * 1_000 });
    this.#events.push(numbered);
    return numbered;
  }

  events(after: EventCursor | null, limit: number) {
    this.asked.push({ after, limit });
    const seq = after?.incarnation === this.incarnation ? after.seq : 0;
    const events = this.#events.slice(seq, seq + limit);
    return Promise.resolve({ incarnation: this.incarnation, lastSeq: this.lastSeq, events });
  }

  bodies(bodyIds: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const wanted = Object.entries(this.bodyTexts).filter(([bodyId]) => bodyIds.includes(bodyId));
    return Promise.resolve(Object.fromEntries(wanted));
  }

  submit(fields: Partial<IssueRecord> = {}): IssueRecord {
    const issue = issueRecordOf(this.organizationId, fields);
    this.append({ type: "issue.submitted", issueId: issue.id, data: { issue } });
    return issue;
  }

  createJob(issue: IssueRecord, fields: Partial<JobRecord> = {}): JobRecord {
    const job = jobRecordOf(issue, fields);
    this.append({ type: "job.created", issueId: issue.id, jobId: job.id, data: { job } });
    return job;
  }

  recordStep(job: JobRecord, number: number, fields: Partial<StepRecord> = {}): StepRecord {
    const step = stepRecordOf(job, number, fields);
    const total = number * step.costMicroUsd;
    const data = { step, jobCostMicroUsd: total, issueCostMicroUsd: total };
    this.append({ type: "step.recorded", issueId: job.issueId, jobId: job.id, data });
    return step;
  }

  writeLog(job: JobRecord, fields: Partial<LogRecord> = {}): LogRecord {
    const log = logRecordOf(job, fields);
    this.append({ type: "log.written", issueId: job.issueId, jobId: job.id, data: { log } });
    return log;
  }

  createArtifact(job: JobRecord): ArtifactRecord {
    const artifact = artifactRecordOf(job);
    this.bodyTexts[artifact.contentBodyId] = "One change to the status workflow.";
    if (artifact.diffPatchBodyId !== null) this.bodyTexts[artifact.diffPatchBodyId] = "--- a\n+++ b\n";
    this.append({ type: "artifact.created", issueId: job.issueId, jobId: job.id, data: { artifact } });
    return artifact;
  }

  openReview(artifact: ArtifactRecord): ReviewRecord {
    const review = reviewRecordOf(artifact);
    this.append({ type: "review.opened", issueId: artifact.issueId, data: { review } });
    return review;
  }

  /** A question of a job that a person has answered. */
  askQuestion(job: JobRecord): QuestionRecord {
    const about = { issueId: job.issueId, jobId: job.id };
    const open: QuestionRecord = {
      ...about,
      id: newId("question", firstMs),
      attempt: 1,
      callId: "toolu_1",
      question: "Which status?",
      choices: ["APPROVED", "REJECTED"],
      defaultAnswer: "REJECTED",
      status: "OPEN",
      answer: null,
      answeredBy: null,
      enteredBy: null,
      askedAtMs: firstMs,
      expiresAtMs: firstMs + 1_000,
      closedAtMs: null,
    };
    this.append({ type: "question.asked", ...about, data: { question: open } });
    const answer = { answer: "APPROVED", answeredBy: "The client", enteredBy: "root", closedAtMs: firstMs + 500 };
    const question: QuestionRecord = { ...open, status: "ANSWERED", ...answer };
    this.append({ type: "question.closed", ...about, data: { question } });
    return question;
  }

  /** A message of a person that a job has heard. */
  sendMessage(job: JobRecord): MessageRecord {
    const { issueId } = job;
    const said = { author: "The client", enteredBy: "root", sentAtMs: firstMs };
    const sent = { id: newId("message", firstMs), issueId, text: "Only ours.", ...said };
    const unheard: MessageRecord = { ...sent, heardByJobId: null, heardAtMs: null };
    this.append({ type: "message.sent", issueId, data: { message: unheard } });
    const data = { messageIds: [sent.id], attempt: 1 };
    const { atMs } = this.append({ type: "message.heard", issueId, jobId: job.id, data });
    return { ...unheard, heardByJobId: job.id, heardAtMs: atMs };
  }

  createEffect(artifact: ArtifactRecord): EffectRecord {
    const effect = effectRecordOf(artifact);
    this.append({ type: "effect.created", issueId: artifact.issueId, data: { effect } });
    return effect;
  }
}

export function issueRecordOf(organizationId: string, fields: Partial<IssueRecord> = {}): IssueRecord {
  return {
    id: newId("issue", firstMs),
    organizationId,
    externalId: null,
    source: "MANUAL",
    type: "BUG",
    priority: "HIGH",
    title: "Briefs are stuck",
    description: "Nothing leaves SUBMITTED.",
    context: { page: "/briefs", tries: [1, null, { deep: true }] },
    status: "QUEUED",
    createdById: null,
    submitterLevel: "STAFF",
    requestedAgentType: null,
    requestedModel: null,
    notBeforeMs: null,
    expiresAtMs: null,
    concurrencyKey: null,
    triage: null,
    correlationId: newId("request", firstMs),
    costMicroUsd: 0,
    createdAtMs: firstMs,
    updatedAtMs: firstMs,
    ...fields,
  };
}

function jobRecordOf(issue: IssueRecord, fields: Partial<JobRecord>): JobRecord {
  return {
    id: newId("job", firstMs),
    issueId: issue.id,
    organizationId: issue.organizationId,
    role: "work",
    agentType: "briefs.status-workflow",
    model: "sonnet",
    modelReason: "complexity 5",
    status: "PENDING",
    pausedReason: null,
    priority: 2,
    attempts: 0,
    maxAttempts: 3,
    startedAtMs: null,
    completedAtMs: null,
    error: null,
    config: { steps: 60 },
    result: null,
    retryOf: null,
    costMicroUsd: 0,
    createdAtMs: firstMs,
    updatedAtMs: firstMs,
    ...fields,
  };
}

function stepRecordOf(job: JobRecord, number: number, fields: Partial<StepRecord>): StepRecord {
  return {
    jobId: job.id,
    attempt: 1,
    number,
    kind: "model",
    name: "claude-sonnet-5-5",
    input: "What is wrong?",
    inputCharacters: 900,
    output: "I will look.",
    isError: false,
    policy: null,
    startedAtMs: firstMs + number,
    durationMs: 400,
    usage: { inputTokens: 10, cacheWriteTokens: 20, cacheReadTokens: 30, outputTokens: 40 },
    reservedMicroUsd: 700,
    costMicroUsd: 500,
    stopReason: "tool_use",
    ...fields,
  };
}

function logRecordOf(job: JobRecord, fields: Partial<LogRecord>): LogRecord {
  return {
    id: newId("log", firstMs),
    jobId: job.id,
    level: "INFO",
    message: "begun",
    data: null,
    atMs: firstMs,
    ...fields,
  };
}

function artifactRecordOf(job: JobRecord): ArtifactRecord {
  const id = newId("artifact", firstMs);
  return {
    id,
    jobId: job.id,
    issueId: job.issueId,
    type: "CODE_CHANGE",
    name: "Status workflow",
    contentBodyId: `${id}:content`,
    filePath: null,
    diffPatchBodyId: `${id}:diff`,
    metadata: { files: 1 },
    createdAtMs: firstMs,
  };
}

function reviewRecordOf(artifact: ArtifactRecord): ReviewRecord {
  return {
    id: newId("review", firstMs),
    issueId: artifact.issueId,
    artifactId: artifact.id,
    status: "OPEN",
    approver: "platform",
    contentHash: "0".repeat(64),
    agentVerdict: { decision: "pass", summary: "Small and right." },
    decidedBy: null,
    decidedAtMs: null,
    note: null,
    expiresAtMs: firstMs + 1_000,
    createdAtMs: firstMs,
  };
}

function effectRecordOf(artifact: ArtifactRecord): EffectRecord {
  return {
    id: newId("effect", firstMs),
    issueId: artifact.issueId,
    artifactId: artifact.id,
    kind: "pull_request",
    idempotencyKey: `pull-request:${artifact.id}`,
    redriveOf: null,
    status: "PENDING",
    attempts: 0,
    dryRun: null,
    result: null,
    error: null,
    createdAtMs: firstMs,
    updatedAtMs: firstMs,
  };
}
