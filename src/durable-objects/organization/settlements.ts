/** Settles model calls that gave no answer, also for a while after the cancellation that aborted them. */
import type { SettleCommand } from "../../contracts/organization-rpc.ts";
import type { TokenUsage } from "../../core/money.ts";
import type { Change } from "./change.ts";
import { type JobState, maySettle } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";

export interface SettlementParts {
  readonly jobs: JobTable;
  /** Commits what the job's open call cost, everything set aside for it when `usage` is null; the caller stores the job. */
  readonly commit: (change: Change, job: JobState, usage: TokenUsage | null) => JobState;
}

export class Settlements {
  readonly #parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** Settles the call; false when its epoch may not, or may no longer. */
  settle(change: Change, { jobId, epoch, usage }: SettleCommand): boolean {
    const job = this.#parts.jobs.find(jobId);
    if (job === null || !maySettle(job, epoch, change.nowMs)) return false;
    this.#close(change, job, usage);
    return true;
  }

  /** Settles the call of a cancelled job of which nothing was heard in time. */
  expire(change: Change, jobId: string): void {
    const job = this.#parts.jobs.find(jobId);
    if (job !== null && job.settleUntilMs !== null) this.#close(change, job, null);
  }

  #close(change: Change, job: JobState, usage: TokenUsage | null): void {
    change.deadlines.clear(`settle:${job.record.id}`);
    this.#parts.jobs.save({ ...this.#parts.commit(change, job, usage), settleUntilMs: null });
  }
}
