/** The models' breakers as they are kept: one that has no row is closed. */
import type { Breaker } from "../../contracts/breakers.ts";
import { type ModelName, modelNames } from "../../contracts/models.ts";
import { fromStoredJson } from "../stored-json.ts";
import { type BreakerState, closedBreaker } from "./breaker-decision.ts";

export const breakersMigration = `
  CREATE TABLE breakers (model TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
`;

export class BreakerTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(model: ModelName): BreakerState {
    const row = this.#sql.exec<{ state: string }>("SELECT state FROM breakers WHERE model = ?", model).next().value;
    return row === undefined ? closedBreaker : fromStoredJson<BreakerState>(row.state);
  }

  save(model: ModelName, state: BreakerState): void {
    this.#sql.exec("INSERT OR REPLACE INTO breakers (model, state) VALUES (?, ?)", model, JSON.stringify(state));
  }

  /** Those that are not closed. */
  list(): readonly Breaker[] {
    return modelNames.flatMap((model) => {
      const state = this.find(model);
      if (state.status === "closed") return [];
      const { status, sinceMs, probeAtMs } = state;
      return [{ model, status, sinceMs, probeAtMs }];
    });
  }
}
