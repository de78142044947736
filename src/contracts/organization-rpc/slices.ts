/** Running a job: called by the jobs consumer. */
import type { TokenUsage } from "../../core/money.ts";
import type { Conversation, MessageRecord } from "../conversation.ts";
import type { ModelName } from "../models.ts";
import type { OutcomeCount } from "../outcomes.ts";
import type {
  IssueRecord,
  JobError,
  JobRecord,
  JsonValue,
  SavedFile,
  StepRecord,
  TriageView,
  WorkspaceChange,
} from "../records.ts";
import type { ArtifactType, LogLevel } from "../status.ts";
import type { Repository } from "../terms.ts";
import type { ArtifactView } from "./issue-reads.ts";
import type { Addressed } from "./outcome.ts";

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

/** The attempt before the one that begins: how it ended, and its last steps. */
export interface LastAttempt {
  readonly error: JobError | null;
  readonly steps: readonly StepRecord[];
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
  readonly outcomes: readonly OutcomeCount[];
  readonly attempt: {
    readonly number: number;
    readonly prompt: AttemptPrompt | null;
    /** Messages of the transcript in order, each as the JSON text that is sent. */
    readonly messages: readonly string[];
    readonly stepCount: number;
    /** What the attempt's last model call used; null before the first. */
    readonly lastUsage: TokenUsage | null;
  };
  /** What the job has used before: steps of its earlier attempts, tokens of all, and the time that its earlier slices ran. */
  readonly used: { readonly earlierSteps: number; readonly tokenCount: number; readonly ranForMs: number };
  /** What a new attempt is told of the last one; null for the first, and once the attempt is under way. */
  readonly lastAttempt: LastAttempt | null;
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
  /** Whether the job is debugged: it logs everything, and may take longer. */
  readonly isDebugged: boolean;
  /** What was said about the issue so far; what nobody has heard yet is for this job. */
  readonly conversation: Conversation;
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
  /** Version of the agent's definition; a slice of an earlier release does not say. */
  readonly agentVersion?: string;
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
  readonly workspace: readonly SavedFile[];
  readonly artifacts: readonly ArtifactDraft[];
  readonly logs: readonly LogDraft[];
  /** Messages of people that stand in `appendedMessages`: they have been heard with it. */
  readonly heardMessageIds: readonly string[];
}

/** What changes while a slice runs, and is heeded from its next step on. */
export interface SliceNews {
  /** What people have said that no agent has heard. */
  readonly unheard: readonly MessageRecord[];
  readonly toolsOff: readonly string[];
  readonly isDebugged: boolean;
}

/** Tells an accepted checkpoint what is new; an object of an earlier release names the messages alone. */
export type CheckpointAnswer =
  | ({ readonly accepted: true } & Pick<SliceNews, "unheard"> & Partial<SliceNews>)
  | { readonly accepted: false };

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
  /** Whether it was the model that gave no answer; a slice of an earlier release does not say. */
  readonly isModelFault?: boolean;
  /** The model that the job's agent falls back to when its own stays out of reach. */
  readonly fallbackModel?: ModelName | null;
}

export interface SliceCalls {
  claim(command: ClaimCommand): Promise<ClaimAnswer>;
  renewLease(ref: EpochRef): Promise<EpochAnswer>;
  /** Long poll: the only method that waits. Answers the present signal, at the latest when the poll's time is over. */
  control(query: ControlQuery): Promise<ControlSignal>;
  beginAttempt(command: BeginAttempt): Promise<EpochAnswer>;
  /** Repeating a checkpoint that was already accepted from the same epoch changes nothing and is accepted. */
  checkpoint(checkpoint: Checkpoint): Promise<CheckpointAnswer>;
  /** Passes a running model's words to whoever watches; kept nowhere. Tells whether anybody does. */
  streamText(ref: EpochRef & { readonly text: string }): Promise<{ readonly watched: boolean }>;
  /** Ends the job, or has it go on when a person has said something that its agent has not heard. */
  finish(command: FinishCommand): Promise<EpochAnswer>;
  fail(command: FailCommand): Promise<EpochAnswer>;
  /** Ends a slice without ending its job, which pauses, waits or goes on from the last checkpoint, as it was told. */
  yieldSlice(ref: EpochRef): Promise<EpochAnswer>;
}
