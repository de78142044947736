/** Counts how work ends, by agent, definition and model, and tells the platform until it has heard. */
import type { OrganizationEvent } from "../../contracts/events.ts";
import { type OutcomeCount, outcomeOf } from "../../contracts/outcomes.ts";
import type { PlatformRpc } from "../../contracts/platform-rpc.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { Transaction } from "../transactions.ts";
import type { JobTable } from "./job-table.ts";

export const outcomesMigration = `
  CREATE TABLE outcomes (
    agent_type TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    model TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    is_told INTEGER NOT NULL,
    PRIMARY KEY (agent_type, agent_version, model)
  ) WITHOUT ROWID;
`;

const deadlineName = "outcomes";
const maxCounts = 100;

type CountRow = {
  agent_type: string;
  agent_version: string;
  model: OutcomeCount["model"];
  succeeded: number;
  failed: number;
};

export interface OutcomeReporterParts {
  readonly sql: SqlStorage;
  readonly organizationId: string;
  readonly jobs: JobTable;
  readonly timings: Timings;
  readonly platform: () => Pick<PlatformRpc, "reportOutcomes">;
  /** Takes note, in a transaction of its own, of what the platform has heard. */
  readonly onHeard: (counts: readonly OutcomeCount[]) => void;
}

export class OutcomeReporter {
  readonly #parts: OutcomeReporterParts;

  constructor(parts: OutcomeReporterParts) {
    this.#parts = parts;
  }

  /** Counts the work that has ended with these events. */
  settle(transaction: Transaction, events: readonly OrganizationEvent[]): void {
    const counted = events.filter((event) => this.#count(event));
    if (counted.length > 0) this.#send(transaction, 0);
  }

  /** Tells again what was not heard. */
  resend(transaction: Transaction, deadline: Deadline): void {
    this.#send(transaction, deadline.tries + 1);
  }

  /** The platform has heard of these counts; what was counted since is told next. */
  acknowledge(transaction: Transaction, counts: readonly OutcomeCount[]): void {
    for (const { agentType, agentVersion, model, succeeded, failed } of counts) {
      this.#parts.sql.exec(
        `UPDATE outcomes SET is_told = 1
         WHERE agent_type = ? AND agent_version = ? AND model = ? AND succeeded = ? AND failed = ?`,
        agentType,
        agentVersion,
        model,
        succeeded,
        failed,
      );
    }
    if (this.#untold().length > 0) this.#send(transaction, 0);
    else transaction.deadlines.clear(deadlineName);
  }

  #count(event: OrganizationEvent): boolean {
    if (event.type !== "job.status_changed" || event.jobId === null) return false;
    const outcome = outcomeOf(event.data);
    const job = outcome === null ? null : this.#parts.jobs.find(event.jobId);
    if (job?.record.role !== "work" || job.agentVersion === undefined) return false;
    this.#parts.sql.exec(
      `INSERT INTO outcomes (agent_type, agent_version, model, succeeded, failed, is_told) VALUES (?1, ?2, ?3, ?4, ?5, 0)
       ON CONFLICT DO UPDATE SET succeeded = succeeded + ?4, failed = failed + ?5, is_told = 0`,
      job.record.agentType,
      job.agentVersion,
      job.record.model,
      outcome === "succeeded" ? 1 : 0,
      outcome === "failed" ? 1 : 0,
    );
    return true;
  }

  #untold(): readonly OutcomeCount[] {
    return this.#parts.sql
      .exec<CountRow>(
        `SELECT agent_type, agent_version, model, succeeded, failed FROM outcomes WHERE is_told = 0
         ORDER BY agent_type, agent_version, model LIMIT ${maxCounts}`,
      )
      .toArray()
      .map(({ agent_type: agentType, agent_version: agentVersion, model, succeeded, failed }) => ({
        agentType,
        agentVersion,
        model,
        succeeded,
        failed,
      }));
  }

  #send(transaction: Transaction, tries: number): void {
    const { organizationId, timings, platform, onHeard } = this.#parts;
    const counts = this.#untold();
    transaction.deadlines.set(deadlineName, transaction.nowMs + resendDelayMs(tries, objectResends(timings)), tries);
    transaction.afterCommit("report outcomes", async () => {
      await platform().reportOutcomes({ organizationId, counts });
      onHeard(counts);
    });
  }
}
