/** Outcome counts as the platform keeps them: what each organization has reported, and the sums. */
import { type OutcomeCount, outcomeVerdict } from "../../contracts/outcomes.ts";

export const outcomesMigration = `
  CREATE TABLE outcome_reports (
    organization_id TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    model TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (organization_id, agent_type, agent_version, model)
  ) WITHOUT ROWID;
  CREATE TABLE outcome_sums (
    agent_type TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    model TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (agent_type, agent_version, model)
  ) WITHOUT ROWID;
`;

type Ends = Pick<OutcomeCount, "succeeded" | "failed">;
type Subject = Pick<OutcomeCount, "agentType" | "agentVersion" | "model">;
type SumRow = { agent_type: string; agent_version: string; model: OutcomeCount["model"] } & {
  succeeded: number;
  failed: number;
};

const none: Ends = { succeeded: 0, failed: 0 };
const bySubject = "agent_type = ? AND agent_version = ? AND model = ?";

export class OutcomeTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  reported(organizationId: string, { agentType, agentVersion, model }: Subject): Ends {
    const query = `SELECT succeeded, failed FROM outcome_reports WHERE organization_id = ? AND ${bySubject}`;
    const row = this.#sql
      .exec<{ succeeded: number; failed: number }>(query, organizationId, agentType, agentVersion, model)
      .next().value;
    return row ?? none;
  }

  sum({ agentType, agentVersion, model }: Subject): Ends {
    const query = `SELECT succeeded, failed FROM outcome_sums WHERE ${bySubject}`;
    const row = this.#sql
      .exec<{ succeeded: number; failed: number }>(query, agentType, agentVersion, model)
      .next().value;
    return row ?? none;
  }

  /** Stores an organization's count, and adds what it holds beyond the one before to the sum. */
  add(organizationId: string, count: OutcomeCount, more: Ends): void {
    const { agentType, agentVersion, model, succeeded, failed } = count;
    this.#sql.exec(
      `INSERT OR REPLACE INTO outcome_reports
       (organization_id, agent_type, agent_version, model, succeeded, failed) VALUES (?, ?, ?, ?, ?, ?)`,
      organizationId,
      agentType,
      agentVersion,
      model,
      succeeded,
      failed,
    );
    this.#sql.exec(
      `INSERT INTO outcome_sums (agent_type, agent_version, model, succeeded, failed) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET succeeded = succeeded + ?4, failed = failed + ?5`,
      agentType,
      agentVersion,
      model,
      more.succeeded,
      more.failed,
    );
  }

  /** The sums that say something. */
  list(): readonly OutcomeCount[] {
    return this.#sql
      .exec<SumRow>("SELECT * FROM outcome_sums ORDER BY agent_type, agent_version, model")
      .toArray()
      .map(({ agent_type: agentType, agent_version: agentVersion, model, succeeded, failed }) => ({
        agentType,
        agentVersion,
        model,
        succeeded,
        failed,
      }))
      .filter((count) => outcomeVerdict(count) === "poor" || outcomeVerdict(count) === "proven");
  }
}
