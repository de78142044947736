import type {
  Assignment,
  ClaimAnswer,
  ClaimCommand,
  LastAttempt,
  SliceNews,
} from "../../contracts/organization-rpc.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { AttemptTable } from "./attempt-table.ts";
import type { Change } from "./change.ts";
import { artifactUnderReview } from "./completion.ts";
import type { ConversationTable } from "./conversation-table.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobState } from "./job-state.ts";
import { replayedStepOf } from "./replay-decision.ts";
import type { SwitchGuard } from "./switch-guard.ts";
import type { TermsKeeper } from "./terms-keeper.ts";
import type { StepTable } from "./step-table.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

export interface AssignmentParts {
  readonly issues: IssueTable;
  readonly attempts: AttemptTable;
  readonly steps: StepTable;
  readonly workspaces: WorkspaceTable;
  readonly artifacts: ArtifactTable;
  readonly conversation: ConversationTable;
  readonly terms: TermsKeeper;
  readonly switchGuard: SwitchGuard;
}

/** Steps of the last attempt that a new one is told of. */
const summarizedSteps = 30;

/** What went before a transcript that begins: the attempt before it, or the steps that a replay goes on from. */
function lastAttemptOf({ steps }: Pick<AssignmentParts, "steps">, { record }: JobState): LastAttempt | null {
  if (record.attempts > 1) {
    return { error: record.error, steps: steps.last(record.id, record.attempts - 1, summarizedSteps) };
  }
  const replayed = replayedStepOf(record.config);
  if (replayed === null) return null;
  const { jobId, attempt, step } = replayed;
  return { error: null, steps: steps.last(jobId, attempt, summarizedSteps, step) };
}

/** What a slice of the job goes by from now on. */
export function newsFor(
  { conversation, switchGuard }: Pick<AssignmentParts, "conversation" | "switchGuard">,
  { record }: JobState,
  nowMs: number,
): SliceNews {
  return {
    unheard: conversation.unheard(record.issueId),
    toolsOff: switchGuard.toolsOff(nowMs),
    isDebugged: switchGuard.isDebugged(record, nowMs),
  };
}

/** Begins a slice of the job that a dispatch is of, unless the dispatch is stale. */
export function claimJob(
  change: Change,
  parts: AssignmentParts & { readonly dispatcher: Dispatcher },
  command: ClaimCommand,
): ClaimAnswer {
  const job = parts.dispatcher.claim(change, command);
  return job === null ? { kind: "stale" } : { kind: "claimed", assignment: assignmentOf(parts, job, change.nowMs) };
}

/** Everything that a slice needs to go on with the job that it has claimed. */
function assignmentOf(parts: AssignmentParts, job: JobState, nowMs: number): Assignment {
  const { id: jobId, attempts: number, issueId } = job.record;
  const { slug, repository, limits, outcomes } = parts.terms.current();
  const issue = parts.issues.get(issueId);
  const prompt = parts.attempts.findPrompt(jobId, number);
  const workspace = parts.workspaces.of(jobId);
  const artifactId = artifactUnderReview(job);
  const replayed = replayedStepOf(job.record.config);
  return {
    epoch: job.epoch,
    correlationId: issue.correlationId,
    issue,
    job: job.record,
    slug,
    repository,
    allowedModels: limits.models,
    allowedAgents: limits.agents,
    outcomes,
    attempt: {
      number,
      prompt,
      messages: parts.attempts.messages(jobId, number),
      stepCount: parts.steps.count(jobId, number),
      lastUsage: parts.steps.lastUsage(jobId, number),
    },
    used: {
      earlierSteps: parts.steps.countEarlier(jobId, number),
      tokenCount: parts.steps.countTokens(jobId),
      ranForMs: job.ranForMs,
    },
    lastAttempt: prompt === null ? lastAttemptOf(parts, job) : null,
    workspace,
    workspaceBase: workspace.length === 0 && replayed === null ? null : job.workspaceBase,
    toolsOff: parts.switchGuard.toolsOff(nowMs),
    isDebugged: parts.switchGuard.isDebugged(job.record, nowMs),
    conversation: parts.conversation.ofIssue(issueId),
    underReview: artifactId === null ? null : parts.artifacts.view(artifactId),
  };
}
