/** Ports: what the agents, queues and routes need from the outside, without knowing how it is done. */
import type { TokenUsage } from "../core/money.ts";
import type { IdentityRow, KeyQuery, KeyRow, TokenVerdict, Visibility } from "./caller.ts";
import type { EventCursor, OrganizationEvent } from "./events.ts";
import type { IssueFilter, ListPosition } from "./issue-filter.ts";
import type {
  ArtifactView,
  IssueDetail,
  IssuePart,
  OrganizationRpc,
  PartQuery,
  ReviewQuery,
  StepPosition,
} from "./organization-rpc.ts";
import type { PlatformRpc } from "./platform-rpc.ts";
import type { ModelName } from "./models.ts";
import type {
  IssueRecord,
  LogRecord,
  PullRequestPlan,
  PullRequestResult,
  ReviewRecord,
  StepRecord,
} from "./records.ts";
import type { RepositoryRpc, TreeEntry } from "./repository-rpc.ts";
import type { LogLevel } from "./status.ts";
import type { Repository } from "./terms.ts";
import type { UsagePage, UsageQuery } from "./usage.ts";

// --- model ---

export interface ModelRequest {
  readonly modelId: string;
  readonly system: string;
  readonly toolsJson: string;
  /** Messages as JSON text, sent byte for byte. */
  readonly messages: readonly string[];
  readonly maxTokens: number;
  /** JSON Schema of the final answer, when the agent answers with data. */
  readonly outputSchemaJson: string | null;
}

export interface ModelToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface ModelReply {
  /** The assistant's message as JSON text, ready to be appended to the transcript unchanged. */
  readonly message: string;
  /** The text blocks, joined. */
  readonly text: string;
  readonly toolCalls: readonly ModelToolCall[];
  readonly stopReason: string;
  readonly usage: TokenUsage;
}

export type ModelFailureClass = "transient" | "permanent" | "final";

/** A model call that gave no reply; `reason` is a short stable word such as `overloaded`. */
export class ModelCallError extends Error {
  override readonly name = "ModelCallError";
  readonly failureClass: ModelFailureClass;
  readonly reason: string;
  readonly retryAfterMs: number | null;
  /** False only when the request provably never reached the model, and so cost nothing. */
  readonly reached: boolean;

  constructor(
    failure: {
      failureClass: ModelFailureClass;
      reason: string;
      message: string;
      reached: boolean;
      retryAfterMs?: number | null;
    },
    options?: ErrorOptions,
  ) {
    super(failure.message, options);
    this.reached = failure.reached;
    this.failureClass = failure.failureClass;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs ?? null;
  }
}

export interface ModelCallOptions {
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
  /** Told what the call has used as far as can be seen, whenever more of it is known. */
  readonly onUsage: (usage: TokenUsage) => void;
}

export interface ModelPort {
  /** One streamed call, never retried here. Throws `ModelCallError`; an abort rethrows the signal's reason. */
  call(request: ModelRequest, options: ModelCallOptions): Promise<ModelReply>;
}

// --- GitHub ---

/** A refusal or fault of GitHub; `transient` may be tried again. */
export class GitHubError extends Error {
  override readonly name = "GitHubError";
  readonly transient: boolean;
  readonly reason: string;
  readonly retryAfterMs: number | null;

  constructor(
    failure: { transient: boolean; reason: string; message: string; retryAfterMs?: number | null },
    options?: ErrorOptions,
  ) {
    super(failure.message, options);
    this.transient = failure.transient;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs ?? null;
  }
}

export interface GitHubPort {
  /** The default branch and the commit it points to now. */
  defaultBranchHead(repository: Repository): Promise<{ readonly branch: string; readonly commit: string }>;
  /** Every blob of the commit's tree. */
  tree(repository: Repository, commit: string): Promise<readonly TreeEntry[]>;
  blob(repository: Repository, blobId: string): Promise<Uint8Array>;
  /** Brings branch, commit and draft pull request into being, adopting whatever of them already exists. */
  openPullRequest(plan: PullRequestPlan): Promise<PullRequestResult>;
}

// --- Supabase ---

export interface TokenPort {
  /** Whether an access token is genuine and current. Throws when the issuer's keys cannot be had. */
  verify(token: string): Promise<TokenVerdict>;
}

// --- Postgres ---

export interface IdentityPort {
  /** The one user behind a Supabase `sub`; null when there is none. Plain SQL. Throws when Postgres is unreachable. */
  findBySubject(subject: string): Promise<IdentityRow | null>;
  /** The ERP API key of this hash; null when there is none. Plain SQL. Throws when Postgres is unreachable. */
  findKey(query: KeyQuery): Promise<KeyRow | null>;
}

export interface IssuePage {
  readonly organizationId: string;
  readonly visibility: Visibility;
  readonly filter: IssueFilter;
  readonly before: ListPosition | null;
  /** The last position that is asked for; null for the end of the list. */
  readonly through: ListPosition | null;
  readonly limit: number;
  /** Ids that the object answers for. */
  readonly excludeIds: readonly string[];
}

/** What finished jobs of one agent on one model took: medians, null without any. */
export interface JobHistory {
  readonly jobs: number;
  readonly costMicroUsd: number | null;
  readonly durationSeconds: number | null;
}

export interface ReviewPage extends ReviewQuery {
  readonly through: ListPosition | null;
  readonly excludeIds: readonly string[];
}

export interface IssueReader {
  /** Of the organization's latest completed jobs, a bounded number of them. */
  jobHistory(
    organizationId: string,
    kind: { readonly agentType: string; readonly model: ModelName },
  ): Promise<JobHistory>;
  list(page: IssuePage): Promise<readonly IssueRecord[]>;
  read(organizationId: string, issueId: string, visibility: Visibility): Promise<IssueDetail | null>;
  /** The issue that a review belongs to; for those who may see all of the organization's issues. */
  readByReview(organizationId: string, reviewId: string): Promise<IssueDetail | null>;
  /** Null when there is no such issue, or the viewer may not know of it. */
  listSteps(query: PartQuery<StepPosition>): Promise<IssuePart<StepRecord> | null>;
  listLogs(query: PartQuery<string>): Promise<IssuePart<LogRecord> | null>;
  listArtifacts(query: PartQuery<string>): Promise<IssuePart<ArtifactView> | null>;
  /** One artifact of the organization, for those who may see all of its issues; null when there is none. */
  readArtifact(organizationId: string, artifactId: string): Promise<ArtifactView | null>;
  /** Newest first. */
  listReviews(page: ReviewPage): Promise<readonly ReviewRecord[]>;
}

/** A page of what jobs logged, newest first; null leaves a filter out. */
export interface PlatformLogPage {
  readonly organizationId: string | null;
  readonly levels: readonly LogLevel[] | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  readonly before: ListPosition | null;
  readonly limit: number;
}

export type PlatformLogRecord = LogRecord & { readonly organizationId: string; readonly issueId: string };

export interface PlatformLogReader {
  /** With the time at which Postgres was last brought up to date with what is listed; null when it never was. */
  list(
    page: PlatformLogPage,
  ): Promise<{ readonly items: readonly PlatformLogRecord[]; readonly asOfMs: number | null }>;
}

/** What the projection asks of the organization's object. */
export interface EventSource {
  events(
    after: EventCursor | null,
    limit: number,
  ): Promise<{ readonly incarnation: string; readonly lastSeq: number; readonly events: readonly OrganizationEvent[] }>;
  bodies(bodyIds: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

export interface ProjectionPort {
  /** Brings Postgres up to the source's last event and returns the cursor then stored. Each event is applied exactly once, in order. */
  project(organizationId: string, source: EventSource): Promise<EventCursor>;
}

export interface UsageReader {
  /** Throws `AgentError` `unavailable` while Postgres cannot be reached. */
  sum(query: UsageQuery): Promise<UsagePage>;
}

export interface DatabaseCheck {
  /** Resolves when Postgres answers; throws otherwise. */
  ping(): Promise<void>;
}

export interface RetentionPort {
  /** Deletes logs and steps that are past their time, in bounded batches; returns how many rows went. */
  deleteExpired(now: { readonly nowMs: number }): Promise<{ readonly logs: number; readonly steps: number }>;
}

// --- objects ---

export interface ObjectClients {
  organization(organizationId: string): OrganizationRpc;
  platform(): PlatformRpc;
  repository(repository: Repository): RepositoryRpc;
}
