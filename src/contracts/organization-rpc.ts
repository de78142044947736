/** Typed RPC of the organization object. Every method carries the organization's id, which the object checks against its name. */
import type { Failure } from "../core/errors.ts";
import type { TokenUsage } from "../core/money.ts";
import type { Visibility } from "./caller.ts";
import type { EventCursor, OrganizationEvent } from "./events.ts";
import type { ModelName } from "./models.ts";
import type {
  ArtifactRecord,
  EffectRecord,
  IssueRecord,
  JobError,
  JobRecord,
  JsonValue,
  LogRecord,
  PermissionLevel,
  PullRequestPlan,
  PullRequestResult,
  ReviewRecord,
  StepRecord,
  TriageView,
  WorkspaceChange,
} from "./records.ts";
import type {
  ArtifactType,
  BlockingLimit,
  IssueCommandName,
  IssuePriority,
  IssueSource,
  IssueStatus,
  IssueType,
  LogLevel,
} from "./status.ts";
import type { Repository, Terms } from "./terms.ts";

/** What a method answers when the caller may be at fault; error classes do not survive an RPC. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure };

interface Addressed {
  readonly organizationId: string;
}

// --- submission and reading: called by the edge ---

export interface SubmitCommand extends Addressed {
  /** The edge's copy of the platform's terms, at most ten seconds old; kept when newer than the object's. */
  readonly terms: Terms;
  readonly source: IssueSource;
  readonly type: IssueType;
  readonly priority: IssuePriority;
  readonly title: string;
  readonly description: string;
  readonly context: Readonly<Record<string, JsonValue>>;
  readonly externalId: string | null;
  readonly requestedAgentType: string | null;
  readonly requestedModel: ModelName | null;
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly concurrencyKey: string | null;
  /** What one job of the issue may cost; null leaves it to the agent. */
  readonly maxCostMicroUsd: number | null;
  readonly createdById: string | null;
  readonly submitterLevel: PermissionLevel;
  readonly correlationId: string;
  /** Null when the caller did not ask that the same request counts once. */
  readonly idempotency: IdempotentRequest | null;
}

/** A request that, repeated within 24 hours, gets the answer that it got first. */
export interface IdempotentRequest {
  readonly key: string;
  /** SHA-256 (hex) of the request in canonical form: the same key with another hash is refused. */
  readonly requestHash: string;
}

/** What is left of a limit after a submission. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** When more is left again. */
  readonly resetAtMs: number;
}

export interface SubmitReceipt {
  readonly issueId: string;
  readonly jobId: string;
  readonly status: IssueStatus;
  /** Jobs of this organization that would start before this one, counted up to 1,000. */
  readonly position: number;
  /** Issues within the sliding hour. */
  readonly rate: Allowance;
  /** Issues of the UTC day. */
  readonly quota: Allowance;
  /** Whether this is the remembered answer to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface IssueRef extends Addressed {
  readonly issueId: string;
  readonly visibility: Visibility;
}

export interface IssueDetail {
  readonly issue: IssueRecord;
  readonly jobs: readonly JobRecord[];
  readonly stepCount: number;
  readonly reviews: readonly ReviewRecord[];
  readonly effects: readonly EffectRecord[];
  readonly waitingFor: BlockingLimit;
  /** What is set aside for the issue's model calls that are under way, beside its cost. */
  readonly reservedMicroUsd: number;
  /** The reason given for the switch that it waits for; null when it waits for none. */
  readonly waitingReason: string | null;
}

/** An issue as Postgres holds it; a command on one that has left the object brings it along, and so back. */
export type ArchivedIssue = Pick<IssueDetail, "issue" | "jobs" | "stepCount" | "reviews" | "effects">;

/** A command about an issue that may have left the object. */
export interface Archivable {
  /** The issue, when the object has answered `not_found` without it and Postgres holds it. */
  readonly archived?: ArchivedIssue;
}

export interface IssueFilter {
  readonly status?: IssueStatus;
  readonly type?: IssueType;
  readonly priority?: IssuePriority;
}

/** Position in a list that is ordered newest first by the immutable `(createdAtMs, id)`. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface ListQuery extends Addressed {
  readonly visibility: Visibility;
  readonly filter: IssueFilter;
  readonly before: ListPosition | null;
  readonly limit: number;
}

export interface UnprojectedIssues {
  /** Matching issues with changes that Postgres may not hold yet, newest first. */
  readonly matching: readonly IssueRecord[];
  /** Ids of all such issues, matching or not: their rows in Postgres are out of date. */
  readonly replacedIds: readonly string[];
}

export interface ArtifactView {
  readonly artifact: ArtifactRecord;
  readonly content: string;
  readonly diffPatch: string | null;
}

export interface ReviewDetail {
  readonly review: ReviewRecord;
  readonly issue: IssueRecord;
  readonly artifact: ArtifactView;
}

export interface ReviewQuery extends Addressed {
  readonly status: ReviewRecord["status"] | null;
  readonly limit: number;
}

export interface ReviewDecision extends Addressed, Archivable {
  readonly reviewId: string;
  readonly decision: "approve" | "reject";
  readonly note: string | null;
  readonly contentHash: string;
  readonly decidedBy: string;
  /** Kinds of approver the decider may stand for. */
  readonly actingAs: readonly ReviewRecord["approver"][];
  /** The decider's own user ids; nobody approves his own change. */
  readonly deciderIds: readonly string[];
}

/** Who asks, in whose name it is written down, and why. */
export interface CommandAuthor {
  readonly actor: string;
  readonly reason: string | null;
}

export interface IssueCommand extends IssueRef, CommandAuthor, Archivable {
  readonly command: IssueCommandName;
  /** Whose issues the caller may command; never more than he may see. */
  readonly authority: Visibility;
}

/** A failed job, or an effect that was tried in vain for the last time. */
export interface DeadLetter {
  readonly kind: "job" | "effect";
  readonly id: string;
  readonly issueId: string;
  readonly failedAtMs: number;
  readonly error: JobError;
  /** When a retry of its issue took it up again; null while nothing has. */
  readonly redrivenAtMs: number | null;
}

export interface DeadLetterQuery extends Addressed {
  readonly before: { readonly failedAtMs: number; readonly id: string } | null;
  readonly limit: number;
}

// --- slices: called by the jobs consumer ---

interface JobRef extends Addressed {
  readonly jobId: string;
}

export interface ClaimCommand extends JobRef {
  readonly dispatchId: string;
}

/** What was rendered once for an attempt and is sent unchanged with every call of it. */
export interface AttemptPrompt {
  readonly modelId: string;
  readonly system: string;
  /** Tool definitions as the JSON text that is sent. */
  readonly toolsJson: string;
  /** JSON Schema of the final answer, as the JSON text that is sent; null for an agent that answers with words. */
  readonly outputSchemaJson: string | null;
  /** Commit that the workspace is laid over; null without a repository. */
  readonly baseCommit: string | null;
  /** Branch that `baseCommit` was the head of; a pull request goes there. Null without a repository. */
  readonly baseBranch: string | null;
}

export interface Assignment {
  readonly epoch: number;
  readonly correlationId: string;
  readonly issue: IssueRecord;
  readonly job: JobRecord;
  readonly slug: string | null;
  readonly repository: Repository | null;
  readonly allowedModels: readonly ModelName[];
  readonly allowedAgents: "*" | readonly string[];
  readonly attempt: {
    readonly number: number;
    readonly prompt: AttemptPrompt | null;
    /** Messages of the transcript in order, each as the JSON text that is sent. */
    readonly messages: readonly string[];
    readonly stepCount: number;
    /** What the attempt's last model call used; null before the first. */
    readonly lastUsage: TokenUsage | null;
  };
  /** What the job has used before: steps of its earlier attempts, and the time that its earlier slices ran. */
  readonly used: { readonly earlierSteps: number; readonly ranForMs: number };
  readonly workspace: readonly WorkspaceChange[];
  /**
   * What the workspace was made over, when it holds anything: a new attempt, or a job that does another again, is pinned
   * to it, because whole files laid over a newer commit would undo what others changed in between.
   */
  readonly workspaceBase: { readonly commit: string; readonly branch: string } | null;
  /** What a review job reads: the change that it is about. */
  readonly underReview: ArtifactView | null;
  /** Tools that are switched off: the attempt's prompt still names them, but their calls are refused. */
  readonly toolsOff: readonly string[];
}

export type ClaimAnswer = { readonly kind: "claimed"; readonly assignment: Assignment } | { readonly kind: "stale" };

export interface EpochRef extends JobRef {
  readonly epoch: number;
}

/** Answer to a call that carries an epoch: refused when a newer claim, or none, holds the job. */
export type EpochAnswer = { readonly accepted: true } | { readonly accepted: false };

/**
 * What a slice is told. `pause` and `yield` are heeded at the next checkpoint; `cancel` and `abort` (by a switch) end the
 * slice at once, with everything in flight; `stale` means that another slice, or none, holds the job.
 */
export interface ControlSignal {
  readonly kind: "none" | "stale" | "cancel" | "abort" | "pause" | "yield";
}

export interface ControlQuery extends EpochRef {
  /** What the slice was told last: it is answered at once when that is no longer so. */
  readonly known: "none" | "pause" | "yield";
}

export interface BeginAttempt extends EpochRef {
  readonly attempt: number;
  readonly prompt: AttemptPrompt;
  /** The first user message, as JSON text. */
  readonly firstMessage: string;
}

export interface ArtifactDraft {
  readonly type: ArtifactType;
  readonly name: string;
  readonly content: string;
  readonly filePath: string | null;
  readonly diffPatch: string | null;
  readonly metadata: Readonly<Record<string, JsonValue>>;
  /** Files of a code change, as the commit will hold them. */
  readonly files: readonly WorkspaceChange[];
}

export interface LogDraft {
  readonly level: LogLevel;
  readonly message: string;
  readonly data: JsonValue | null;
}

export interface Checkpoint extends EpochRef {
  readonly attempt: number;
  /** New steps in order; the first is numbered one above those already recorded. */
  readonly steps: readonly StepRecord[];
  readonly appendedMessages: readonly string[];
  readonly workspace: readonly WorkspaceChange[];
  readonly artifacts: readonly ArtifactDraft[];
  readonly logs: readonly LogDraft[];
}

// --- money: what a model call may cost is set aside before it, and settled after it ---

/** The next model call of a slice: the step that it will be, numbered within the attempt. */
export interface CallRef extends EpochRef {
  readonly stepNumber: number;
}

export interface ReserveCommand extends CallRef {
  /** The most that the call can cost. */
  readonly amountMicroUsd: number;
}

/** Whose budget does not hold what a call may cost. */
export type BudgetOwner = "job" | "organization_day" | "organization_month";

export type ReserveAnswer =
  | { readonly kind: "reserved" }
  | { readonly kind: "refused"; readonly by: BudgetOwner }
  | { readonly kind: "stale" };

export interface SettleCommand extends CallRef {
  /** What was seen of a call without an answer; null when nothing is known. */
  readonly usage: TokenUsage | null;
}

export interface BudgetUse {
  readonly limitMicroUsd: number;
  readonly committedMicroUsd: number;
  readonly reservedMicroUsd: number;
  /** When the period ends and the next one begins with nothing used. */
  readonly resetAtMs: number;
}

/** The organization's spending in the present UTC day and month. */
export interface BudgetReport {
  readonly day: BudgetUse;
  readonly month: BudgetUse;
}

/** How a slice ends its job, by role. */
export type JobOutcome =
  | { readonly role: "triage"; readonly triage: TriageView; readonly byRules: boolean; readonly next: NextJob }
  | { readonly role: "work"; readonly summary: string }
  | { readonly role: "review"; readonly decision: "pass" | "send_back"; readonly summary: string };

/** The work job that triage asks for. */
export interface NextJob {
  readonly agentType: string;
  readonly model: ModelName;
  readonly modelReason: string;
}

export interface FinishCommand extends EpochRef {
  readonly outcome: JobOutcome;
  readonly artifacts: readonly ArtifactDraft[];
}

export interface FailCommand extends EpochRef {
  /** `transient` uses up no attempt; `permanent` ends the attempt, and the job with its last one; `final` ends the job. */
  readonly failureClass: "transient" | "permanent" | "final";
  readonly error: JobError;
  readonly retryAfterMs: number | null;
}

// --- effects and projection ---

export interface EffectRef extends Addressed {
  readonly effectId: string;
}

export type EffectClaim =
  | { readonly kind: "claimed"; readonly epoch: number; readonly plan: PullRequestPlan; readonly issueId: string }
  | { readonly kind: "stale" };

export interface EffectOutcome extends EffectRef {
  readonly epoch: number;
  readonly outcome:
    | { readonly kind: "completed"; readonly result: PullRequestResult }
    | { readonly kind: "transient"; readonly error: JobError; readonly retryAfterMs: number | null }
    | { readonly kind: "permanent"; readonly error: JobError };
}

export interface EventsQuery extends Addressed {
  readonly after: EventCursor | null;
  readonly limit: number;
}

export interface EventPage {
  readonly incarnation: string;
  readonly lastSeq: number;
  readonly events: readonly OrganizationEvent[];
}

export interface BodiesQuery extends Addressed {
  readonly bodyIds: readonly string[];
}

// --- slots: called by the platform object ---

export interface SlotGrant extends Addressed {
  readonly slotId: string;
  /** Picks the queue lane. */
  readonly slotNumber: number;
}

export interface OrganizationRpc {
  submit(command: SubmitCommand): Promise<Outcome<SubmitReceipt>>;
  readIssue(ref: IssueRef): Promise<IssueDetail | null>;
  listUnprojected(query: ListQuery): Promise<UnprojectedIssues>;
  /** Null when the issue is not here (or not visible): ask Postgres then. */
  listSteps(ref: IssueRef): Promise<readonly StepRecord[] | null>;
  listLogs(ref: IssueRef): Promise<readonly LogRecord[] | null>;
  listArtifacts(ref: IssueRef): Promise<readonly ArtifactView[] | null>;
  readBudget(ref: Addressed): Promise<BudgetReport>;
  listReviews(query: ReviewQuery): Promise<readonly ReviewRecord[]>;
  readReview(query: Addressed & { readonly reviewId: string }): Promise<ReviewDetail | null>;
  decideReview(decision: ReviewDecision): Promise<Outcome<ReviewRecord>>;
  /** Carries a command out, or says why the issue's state does not allow it; the same command again changes nothing. */
  commandIssue(command: IssueCommand): Promise<Outcome<IssueDetail>>;
  /** Newest first. */
  listDeadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;

  claim(command: ClaimCommand): Promise<ClaimAnswer>;
  renewLease(ref: EpochRef): Promise<EpochAnswer>;
  /** Long poll: the only method that waits. Answers the present signal, at the latest when the poll's time is over. */
  control(query: ControlQuery): Promise<ControlSignal>;
  beginAttempt(command: BeginAttempt): Promise<EpochAnswer>;
  /** Repeating a checkpoint that was already accepted from the same epoch changes nothing and is accepted. */
  checkpoint(checkpoint: Checkpoint): Promise<EpochAnswer>;
  /**
   * Sets aside what the slice's next model call may cost, for the job, the organization's day and its month; the
   * checkpoint with that step commits what it did cost. Asking again for the same call changes nothing.
   */
  reserve(command: ReserveCommand): Promise<ReserveAnswer>;
  /** Gives back what was set aside for a call that provably never reached the model; accepted when `settle` would be. */
  release(ref: CallRef): Promise<EpochAnswer>;
  /** Passes a running model's words to whoever watches; kept nowhere. Tells whether anybody does. */
  streamText(ref: EpochRef & { readonly text: string }): Promise<{ readonly watched: boolean }>;
  finish(command: FinishCommand): Promise<EpochAnswer>;
  fail(command: FailCommand): Promise<EpochAnswer>;
  /**
   * Settles a model call that gave no answer: commits, as an estimate, what was seen of it, or all that was set aside. Accepted from the epoch that holds the job, and once, within 15 s, from the
   * one that held it when it was cancelled.
   */
  settle(command: SettleCommand): Promise<EpochAnswer>;
  /** Ends a slice without ending its job, which pauses, waits or goes on from the last checkpoint, as it was told. */
  yieldSlice(ref: EpochRef): Promise<EpochAnswer>;

  claimEffect(ref: EffectRef): Promise<EffectClaim>;
  renewEffect(ref: EffectRef & { readonly epoch: number }): Promise<EpochAnswer>;
  finishEffect(outcome: EffectOutcome): Promise<EpochAnswer>;

  readEvents(query: EventsQuery): Promise<EventPage>;
  readBodies(query: BodiesQuery): Promise<Readonly<Record<string, string>>>;
  /** Tells how far Postgres has got. */
  confirmProjected(cursor: Addressed & EventCursor): Promise<void>;

  grantSlot(grant: SlotGrant): Promise<{ readonly accepted: boolean }>;
  /** Which of these slots the organization still uses; asked before an expired one is given away. */
  confirmSlots(query: Addressed & { readonly slotIds: readonly string[] }): Promise<readonly string[]>;
  applyTerms(terms: Terms): Promise<void>;
  /** Wakes a busy organization: acts on whatever is due. */
  checkIn(ref: Addressed): Promise<void>;
}
