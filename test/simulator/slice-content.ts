/** What the slices of the simulation produce. */
import type {
  ArtifactDraft,
  Assignment,
  AttemptPrompt,
  Checkpoint,
  FinishCommand,
  JobOutcome,
} from "../../src/contracts/organization-rpc.ts";
import type { SavedFile } from "../../src/contracts/records.ts";
import { modelTable } from "../../src/contracts/models.ts";
import type { QuestionDraft } from "../../src/contracts/conversation.ts";
import type { Chance } from "./chance.ts";
import { propertyOf, textOf } from "./properties.ts";

export const stepsOfJob = 2;
export const stepCostMaxMicroUsd = 1_000;
export const noUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };
export const repository = { owner: "spokestack", name: "erp" };

export function promptOf(assignment: Assignment): { readonly prompt: AttemptPrompt; readonly firstMessage: string } {
  const isBound = assignment.repository !== null;
  return {
    prompt: {
      modelId: modelTable[assignment.job.model].apiId,
      system: "",
      toolsJson: "[]",
      outputSchemaJson: null,
      baseCommit: isBound ? "c0ffee" : null,
      baseBranch: isBound ? "main" : null,
    },
    firstMessage: "{}",
  };
}

function codeChange(issueId: string): ArtifactDraft {
  return {
    type: "CODE_CHANGE",
    name: "A change",
    content: `For ${issueId}.`,
    filePath: null,
    diffPatch: "--- a/x\n+++ b/x\n",
    metadata: { title: "A change", baseCommit: "c0ffee", baseBranch: "main", repository },
    files: [{ path: "src/x.ts", content: issueId }],
  };
}

function changedFile(content: string): SavedFile {
  const patch = `--- /dev/null\n+++ b/src/x.ts\n@@ -0,0 +1,1 @@\n+${content}\n`;
  return { path: "src/x.ts", content, difference: { change: "added", additions: 1, deletions: 0, patch } };
}

/** The checkpoint after one more model call; the work's last one carries what the job has made. */
export function checkpointAfterStep(assignment: Assignment, number: number, chance: Chance): Checkpoint {
  const { issue, job, epoch, attempt } = assignment;
  const makesChange =
    job.role === "work" && number === stepsOfJob && assignment.repository !== null && chance.happens(0.6);
  const step = {
    jobId: job.id,
    attempt: attempt.number,
    number,
    kind: "model" as const,
    name: "model",
    input: "",
    inputCharacters: 0,
    output: "",
    isError: false,
    policy: null,
    startedAtMs: 0,
    durationMs: 1,
    usage: null,
    reservedMicroUsd: stepCostMaxMicroUsd,
    costMicroUsd: chance.between(1, stepCostMaxMicroUsd),
    stopReason: "end_turn",
  };
  return {
    organizationId: issue.organizationId,
    jobId: job.id,
    epoch,
    attempt: attempt.number,
    steps: [step],
    appendedMessages: [JSON.stringify({ role: "assistant", content: [{ type: "text", text: `Step ${number}.` }] })],
    workspace: makesChange ? [changedFile(issue.id)] : [],
    artifacts: makesChange ? [codeChange(issue.id)] : [],
    logs: [],
    heardMessageIds: [],
  };
}

/** What an agent that hears what people said appends to its transcript. */
export function checkpointOfHearing(assignment: Assignment, messageIds: readonly string[]): Checkpoint {
  const { issue, job, epoch, attempt } = assignment;
  return {
    organizationId: issue.organizationId,
    jobId: job.id,
    epoch,
    attempt: attempt.number,
    steps: [],
    appendedMessages: [JSON.stringify(messageIds)],
    workspace: [],
    artifacts: [],
    logs: [],
    heardMessageIds: messageIds,
  };
}

/** What the agent has to ask before its last step; null when it knows all, or has been answered in this attempt. */
export function questionOf({ issue, job, attempt, conversation }: Assignment, number: number): QuestionDraft | null {
  const planned = issue.context["question"];
  if (planned === undefined || job.role !== "work" || number !== stepsOfJob) return null;
  const isAnswered = conversation.questions.some(
    (question) => question.jobId === job.id && question.attempt === attempt.number && question.answer !== null,
  );
  if (isAnswered) return null;
  const choices = propertyOf(planned, "choices");
  return {
    callId: "call",
    question: "May I?",
    choices: Array.isArray(choices) ? choices.map(String) : [],
    defaultAnswer: propertyOf(planned, "defaultAnswer") === null ? null : textOf(planned, "defaultAnswer"),
  };
}

function outcomeOf({ issue, job }: Assignment, chance: Chance): JobOutcome {
  switch (job.role) {
    case "triage": {
      const triage = {
        type: issue.type,
        priority: issue.priority,
        module: "core",
        complexity: 3,
        agent: "meta.research",
        confidence: 1,
        reason: "It says so.",
        estimate: { costMicroUsd: 1, durationSeconds: 1 },
      };
      const next = { agentType: "meta.research", model: "haiku", modelReason: "complexity 3" } as const;
      return { role: "triage", triage, byRules: false, next };
    }
    case "work":
      return { role: "work", summary: "Done." };
    case "review":
  }
  return { role: "review", decision: chance.happens(0.7) ? "pass" : "send_back", summary: "Read." };
}

export function finishOf(assignment: Assignment, chance: Chance): FinishCommand {
  const { issue, job, epoch } = assignment;
  return {
    organizationId: issue.organizationId,
    jobId: job.id,
    epoch,
    outcome: outcomeOf(assignment, chance),
    artifacts: [],
  };
}
