/** Carries out an order to clear: cancels the issues whose work waited when it was given, a batch at a time. */
import type { ClearOrder } from "../../contracts/switches.ts";
import type { Change } from "./change.ts";
import type { IssueCommands } from "./issue-commands.ts";

const progressKey = "clearing";
const deadlineName = "clear";
const batchIssues = 200;

interface Progress {
  readonly atMs: number;
  /** Issues up to this one are dealt with; null when all are. */
  readonly afterIssueId: string | null;
}

export interface WorkClearingParts {
  readonly storage: Pick<DurableObjectStorage, "sql" | "kv">;
  readonly commands: Pick<IssueCommands, "cancel">;
}

export class WorkClearing {
  readonly #parts: WorkClearingParts;

  constructor(parts: WorkClearingParts) {
    this.#parts = parts;
  }

  /** Whether some of the order is still to be done: nothing starts meanwhile. */
  isUnderWay(order: ClearOrder | null): boolean {
    if (order === null) return false;
    const progress = this.#progress();
    return progress === null || progress.atMs < order.atMs || progress.afterIssueId !== null;
  }

  /**
   * Cancels the next batch of issues of which a job waits (for a slot, a time, a switch or an operator) and none runs,
   * asks a person, or is under review. Each order is carried out once; jobs made after it was given stay.
   */
  carryOut(change: Change, order: ClearOrder): void {
    if (!this.isUnderWay(order)) return;
    const progress = this.#progress();
    const after = progress?.atMs === order.atMs ? (progress.afterIssueId ?? "") : "";
    const issueIds = this.#clearable(order.atMs, after);
    const author = { actor: order.actor.name, reason: order.reason };
    for (const issueId of issueIds) this.#parts.commands.cancel(change, issueId, author, "cancel");
    const last = issueIds.length < batchIssues ? null : (issueIds.at(-1) ?? null);
    this.#parts.storage.kv.put<Progress>(progressKey, { atMs: order.atMs, afterIssueId: last });
    if (last !== null) change.deadlines.set(deadlineName, change.nowMs);
  }

  #progress(): Progress | null {
    return this.#parts.storage.kv.get<Progress>(progressKey) ?? null;
  }

  #clearable(untilMs: number, afterIssueId: string): readonly string[] {
    const pausedBy = (table: string) => `json_extract(${table}.state, '$.record.pausedReason')`;
    return this.#parts.storage.sql
      .exec<{ id: string }>(
        `SELECT DISTINCT j.issue_id AS id FROM jobs j
         WHERE j.status IN ('PENDING', 'PAUSED') AND j.created_at_ms <= ? AND j.issue_id > ?
           AND (j.status = 'PENDING' OR ${pausedBy("j")} = 'operator')
           AND NOT EXISTS (
             SELECT 1 FROM jobs r WHERE r.issue_id = j.issue_id
               AND (r.status = 'RUNNING' OR (r.status = 'PAUSED' AND ${pausedBy("r")} IS NOT 'operator')))
           AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.issue_id = j.issue_id AND v.status = 'OPEN')
         ORDER BY j.issue_id LIMIT ${batchIssues}`,
        untilMs,
        afterIssueId,
      )
      .toArray()
      .map(({ id }) => id);
  }
}
