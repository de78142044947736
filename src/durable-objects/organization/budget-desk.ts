/** The organization's money: sets it aside before a model call, and commits or gives it back after. */
import { askedMaxCostMicroUsd, defaultCeilings } from "../../contracts/ceilings.ts";
import { modelTable } from "../../contracts/models.ts";
import type {
  BudgetReport,
  BudgetUse,
  CallRef,
  ReserveAnswer,
  ReserveCommand,
} from "../../contracts/organization-rpc.ts";
import type { StepRecord } from "../../contracts/records.ts";
import type { OrganizationLimits } from "../../contracts/terms.ts";
import type { Failure } from "../../core/errors.ts";
import { callCostMicroUsd, type TokenUsage } from "../../core/money.ts";
import {
  budgetRefusal,
  decideReservation,
  exhaustedUntilMs,
  isAlarming,
  type ModelPick,
  type OrganizationUse,
  type PeriodUse,
  thriftyModel,
} from "./budget.ts";
import type { BudgetTable, Reservation } from "./budget-table.ts";
import type { Change } from "./change.ts";
import type { IssueTable } from "./issue-table.ts";
import { holdsEpoch, type JobState, maySettle } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import type { StepTable } from "./step-table.ts";

const resetDeadline = "budget";

export interface BudgetDeskParts {
  readonly jobs: JobTable;
  readonly issues: IssueTable;
  readonly steps: StepTable;
  readonly budget: BudgetTable;
  readonly limits: () => OrganizationLimits;
}

export class BudgetDesk {
  readonly #parts: BudgetDeskParts;

  constructor(parts: BudgetDeskParts) {
    this.#parts = parts;
  }

  /** Sets aside what the slice's next call may cost, if every budget has room for it. */
  reserve(change: Change, command: ReserveCommand): ReserveAnswer {
    const { jobs, steps, budget } = this.#parts;
    const { jobId, stepNumber, amountMicroUsd } = command;
    const held = this.#held(command);
    if (held === null) return { kind: "stale" };
    // A late copy of a request for a call that is over must not touch what is set aside for the present one.
    if (stepNumber <= steps.count(jobId, held.record.attempts)) return { kind: "stale" };
    const open = budget.find(jobId);
    if (open?.stepNumber === stepNumber && open.amountMicroUsd === amountMicroUsd) return { kind: "reserved" };
    // A call that nobody settled may have cost everything that was set aside for it.
    const job = this.commitEstimated(change, held, null);
    jobs.save(job);
    const use = this.#use(change.nowMs);
    const decision = decideReservation(amountMicroUsd, spendingOf(job), use);
    if (decision.kind === "refuse") {
      if (decision.by !== "job") {
        const { period } = decision.by === "organization_day" ? use.day : use.month;
        budget.noteRefusal(period, amountMicroUsd);
      }
      return { kind: "refused", by: decision.by };
    }
    const { issueId, attempts: attempt } = job.record;
    budget.open({ jobId, issueId, attempt, stepNumber, amountMicroUsd, reservedAtMs: change.nowMs });
    return { kind: "reserved" };
  }

  /** Gives back what was set aside for a call that never reached the model; false when its epoch may settle nothing. */
  release(change: Change, ref: CallRef): boolean {
    const job = this.#parts.jobs.find(ref.jobId);
    if (job === null || !maySettle(job, ref.epoch, change.nowMs)) return false;
    if (this.#openFor(job, ref.stepNumber) !== null) this.#parts.budget.close(ref.jobId);
    return true;
  }

  /** Commits what a step did cost, in place of what was set aside for it; sums of job and issue are the caller's. */
  commitStep(change: Change, job: JobState, step: StepRecord): void {
    if (step.kind !== "model") return;
    const open = this.#openFor(job, step.number);
    if (open !== null) this.#parts.budget.close(open.jobId);
    this.#commit(change, job, step.costMicroUsd, open?.reservedAtMs ?? change.nowMs);
  }

  /**
   * Commits the job's open reservation, if it has one: what was seen of the call, or all of it when nothing is known.
   * Returns the job with its new cost; the caller stores it.
   */
  commitEstimated(change: Change, job: JobState, usage: TokenUsage | null): JobState {
    const { budget, issues } = this.#parts;
    const { id: jobId, issueId, model } = job.record;
    const open = budget.find(jobId);
    if (open === null) return job;
    budget.close(jobId);
    const { attempt, stepNumber, amountMicroUsd } = open;
    const costMicroUsd =
      usage === null ? amountMicroUsd : Math.min(amountMicroUsd, callCostMicroUsd(usage, modelTable[model].price));
    const issue = issues.get(issueId);
    const jobCostMicroUsd = job.record.costMicroUsd + costMicroUsd;
    const issueCostMicroUsd = issue.costMicroUsd + costMicroUsd;
    issues.save({ ...issue, costMicroUsd: issueCostMicroUsd });
    change.append({
      type: "job.cost_estimated",
      issueId,
      jobId,
      data: { attempt, stepNumber, usage, costMicroUsd, estimated: true, jobCostMicroUsd, issueCostMicroUsd },
    });
    this.#commit(change, job, costMicroUsd, open.reservedAtMs);
    return { ...job, record: { ...job.record, costMicroUsd: jobCostMicroUsd, updatedAtMs: change.nowMs } };
  }

  /** Why a submission is refused; null while there is money. */
  refusal(nowMs: number): Failure | null {
    return budgetRefusal(this.#use(nowMs), nowMs);
  }

  /** Whether no further job may start. */
  blocksStarts(nowMs: number): boolean {
    return exhaustedUntilMs(this.#use(nowMs)) !== null;
  }

  /** The model of a new job: the one picked for it, or a cheaper one when most of the budget is spent. */
  modelFor(pick: ModelPick, nowMs: number): ModelPick {
    const { day, month } = this.#use(nowMs);
    return isAlarming(day) || isAlarming(month) ? thriftyModel(pick, this.#parts.limits().models) : pick;
  }

  /** Sees to it that waiting jobs are looked at again when the calendar brings new money. */
  refresh(change: Change): void {
    const untilMs = exhaustedUntilMs(this.#use(change.nowMs));
    if (untilMs === null || this.#parts.jobs.waiting(change.nowMs, 1, { kind: "none" }).count === 0) return;
    if (change.deadlines.get(resetDeadline)?.dueAtMs !== untilMs) change.deadlines.set(resetDeadline, untilMs);
  }

  report(nowMs: number): BudgetReport {
    const { day, month } = this.#use(nowMs);
    return { day: useOf(day), month: useOf(month) };
  }

  reservedOfIssue(issueId: string): number {
    return this.#parts.budget.reservedOfIssue(issueId);
  }

  #held({ jobId, epoch }: CallRef): JobState | null {
    const job = this.#parts.jobs.find(jobId);
    return job !== null && holdsEpoch(job, epoch) ? job : null;
  }

  #openFor({ record }: JobState, stepNumber: number): Reservation | null {
    const open = this.#parts.budget.find(record.id);
    return open?.attempt === record.attempts && open.stepNumber === stepNumber ? open : null;
  }

  #use(atMs: number): OrganizationUse {
    const { budget, limits } = this.#parts;
    const { dailyBudgetMicroUsd, monthlyBudgetMicroUsd } = limits();
    const { day, month } = budget.spendingAt(atMs);
    return {
      day: { ...day, limitMicroUsd: dailyBudgetMicroUsd },
      month: { ...month, limitMicroUsd: monthlyBudgetMicroUsd },
    };
  }

  /** Adds a cost to the periods of its reservation, and tells when most of one is spent. */
  #commit(change: Change, { record }: JobState, costMicroUsd: number, atMs: number): void {
    const { budget } = this.#parts;
    budget.commit(costMicroUsd, atMs);
    const { day, month } = this.#use(atMs);
    for (const use of [day, month]) {
      if (!isAlarming(use) || !budget.markAlerted(use.period)) continue;
      const { kind: period, startMs } = use.period;
      const { limitMicroUsd, committedMicroUsd } = use;
      change.append({
        type: "budget.alert",
        issueId: record.issueId,
        jobId: record.id,
        data: { period, startMs, limitMicroUsd, committedMicroUsd },
      });
    }
  }
}

function spendingOf({ record }: JobState): { readonly ceilingMicroUsd: number; readonly committedMicroUsd: number } {
  return {
    ceilingMicroUsd: askedMaxCostMicroUsd(record.config) ?? defaultCeilings.costMicroUsd,
    committedMicroUsd: record.costMicroUsd,
  };
}

function useOf({ limitMicroUsd, committedMicroUsd, reservedMicroUsd, period }: PeriodUse): BudgetUse {
  return { limitMicroUsd, committedMicroUsd, reservedMicroUsd, resetAtMs: period.endMs };
}
