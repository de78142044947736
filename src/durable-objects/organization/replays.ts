/** Does an issue's work again from one of its steps, with another model or a note if asked. */
import { type ModelName, modelTable } from "../../contracts/models.ts";
import type { AttemptPrompt, IssueCommand, Outcome, ReplayOrder } from "../../contracts/organization-rpc.ts";
import { numericPriority } from "../../contracts/status.ts";
import type { AttemptTable } from "./attempt-table.ts";
import type { BudgetDesk } from "./budget-desk.ts";
import type { Change } from "./change.ts";
import type { EffectTable } from "./effect-table.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import { createJob } from "./new-job.ts";
import type { PeopleDesk } from "./people-desk.ts";
import { decideReplay, modelOf, replayConfig, type ReplayDecision, type ReplayedStep } from "./replay-decision.ts";
import type { ReviewTable } from "./review-table.ts";
import type { StepTable } from "./step-table.ts";
import type { WorkspaceTable } from "./workspace-table.ts";

export interface ReplayParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly attempts: AttemptTable;
  readonly steps: StepTable;
  readonly workspaces: WorkspaceTable;
  readonly reviewTable: ReviewTable;
  readonly effectTable: EffectTable;
  readonly budget: BudgetDesk;
  readonly people: Pick<PeopleDesk, "send">;
  /** Models that the organization may use now. */
  readonly allowedModels: () => readonly ModelName[];
}

type Replaying = IssueCommand & { readonly replay: ReplayOrder };

/** What the files of an attempt are laid over; null for one without files. */
function baseOf({ baseCommit: commit, baseBranch: branch }: AttemptPrompt): JobState["workspaceBase"] {
  return commit === null || branch === null ? null : { commit, branch };
}

export class Replays {
  readonly #parts: ReplayParts;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /**
   * Makes the job that goes on from before the step, over the workspace as it was then. On the same model it begins with
   * the transcript up to there, byte for byte; another model gets a new transcript and a summary of the steps, because what
   * a model thought is bound to that model. `tell` runs before anything is changed.
   */
  replay(change: Change, command: Replaying, tell: () => void): Outcome<"done" | "repeated"> {
    const { issueId, replay: order } = command;
    const decision = this.#decide(issueId, order);
    if (decision.kind === "refuse") return { ok: false, failure: decision.failure };
    if (decision.kind === "repeat") return { ok: true, value: "repeated" };
    const { from } = decision;
    const earlier = this.#earlier(from);
    const model = order.model ?? this.#ownModel(from) ?? earlier.record.model;
    if (!this.#parts.allowedModels().includes(model)) {
      const detail = `The organization may not use ${model}.`;
      return { ok: false, failure: { code: "model_not_allowed", detail, field: "model" } };
    }
    tell();
    this.#begin(change, { from, earlier, model });
    if (order.note !== null) {
      const said = { issueId, text: order.note, author: command.actor, enteredBy: command.actor };
      this.#parts.people.send(change, said);
    }
    return { ok: true, value: "done" };
  }

  #decide(issueId: string, order: ReplayOrder): ReplayDecision {
    const { jobs, attempts, steps, reviewTable, effectTable } = this.#parts;
    return decideReplay(order, {
      jobs: jobs.ofIssue(issueId).map(({ record }) => record),
      reviews: reviewTable.ofIssue(issueId),
      effects: effectTable.ofIssue(issueId).map(({ record }) => record),
      countSteps: (jobId, attempt) => steps.count(jobId, attempt),
      isCuttable: (jobId, attempt) => attempts.isCuttable(jobId, attempt),
    });
  }

  #earlier({ jobId }: ReplayedStep): JobState {
    const job = this.#parts.jobs.find(jobId);
    if (job === null) throw new Error(`the replayed job ${jobId} is missing`);
    return job;
  }

  /** The model that the replayed attempt ran on. */
  #ownModel({ jobId, attempt }: ReplayedStep): ModelName | null {
    const prompt = this.#parts.attempts.findPrompt(jobId, attempt);
    return prompt === null ? null : modelOf(prompt.modelId);
  }

  #begin(
    change: Change,
    { from, earlier, model }: { readonly from: ReplayedStep; readonly earlier: JobState; readonly model: ModelName },
  ): void {
    const { issues, jobs, attempts, workspaces } = this.#parts;
    const { issueId, organizationId, role, agentType, config } = earlier.record;
    const created = createJob(change, this.#parts, {
      issueId,
      organizationId,
      priority: numericPriority[issues.get(issueId).priority],
      role,
      agentType,
      model,
      modelReason: `replayed from step ${from.step}`,
      config: { ...config, ...replayConfig(from) },
      retryOf: earlier.record.id,
    });
    const jobId = created.record.id;
    workspaces.copy(from.jobId, jobId, from);
    const prompt = attempts.findPrompt(from.jobId, from.attempt);
    const workspaceBase = prompt === null ? null : baseOf(prompt);
    const job: JobState = { ...created, workspaceBase };
    if (prompt === null || prompt.modelId !== modelTable[created.record.model].apiId) {
      jobs.save(job);
      return;
    }
    attempts.savePrompt(jobId, 1, prompt);
    attempts.copyMessages(from, { jobId, attempt: 1 });
    jobs.save({ ...job, attemptOpen: true, record: { ...job.record, attempts: 1 } });
    const data = { attempt: 1, modelId: prompt.modelId, baseCommit: prompt.baseCommit };
    change.append({ type: "job.attempt_started", issueId, jobId, data });
  }
}
