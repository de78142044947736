import type { EffectRecord, PullRequestPlan } from "../../contracts/records.ts";
import type { StorageMemory } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";
import { RowsByOwner } from "../transaction-rows.ts";

export type EffectPlan = Omit<PullRequestPlan, "files">;

/** Gives what was stored before effects could be a dry run the field that it lacks. */
export const dryRunMigration = `
  UPDATE effects SET state = json_set(state, '$.record.dryRun', NULL);
`;

/** An effect as its organization's object keeps it. */
export interface EffectState {
  readonly record: EffectRecord;
  /** The plan; its files are those of the artifact, which never change. Null once it has left the object for a time. */
  readonly plan: EffectPlan | null;
  /** Epoch of the last claim. */
  readonly epoch: number;
  /** End of the lease of the delivery that carries it out now; null while none does. */
  readonly leaseUntilMs: number | null;
  /** Earliest time of its next try. */
  readonly readyAtMs: number;
}

type StateRow = { state: string };

export class EffectTable {
  readonly #sql: SqlStorage;
  readonly #byIssue: RowsByOwner<EffectState>;

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    this.#byIssue = new RowsByOwner(memory);
  }

  save(effect: EffectState): void {
    const { record } = effect;
    this.#sql.exec(
      "INSERT INTO effects (id, issue_id, idempotency_key, state) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
      record.id,
      record.issueId,
      record.idempotencyKey,
      JSON.stringify(effect),
    );
    this.#byIssue.keep(record.issueId, record.id, effect);
  }

  find(effectId: string): EffectState | null {
    return this.#first("SELECT state FROM effects WHERE id = ?", effectId);
  }

  findByKey(idempotencyKey: string): EffectState | null {
    return this.#first("SELECT state FROM effects WHERE idempotency_key = ?", idempotencyKey);
  }

  /** Effects that nobody carries out now and that are not ended. */
  pending(): readonly EffectState[] {
    return this.#sql
      .exec<StateRow>("SELECT state FROM effects WHERE json_extract(state, '$.record.status') = 'PENDING' ORDER BY id")
      .toArray()
      .map(({ state }) => fromStoredJson<EffectState>(state));
  }

  ofIssue(issueId: string): readonly EffectState[] {
    return this.#byIssue.of(issueId, () =>
      this.#sql
        .exec<StateRow>("SELECT state FROM effects WHERE issue_id = ? ORDER BY rowid", issueId)
        .toArray()
        .map(({ state }) => {
          const effect = fromStoredJson<EffectState>(state);
          return [effect.record.id, effect];
        }),
    );
  }

  #first(query: string, binding: string): EffectState | null {
    const row = this.#sql.exec<StateRow>(query, binding).next().value;
    return row === undefined ? null : fromStoredJson<EffectState>(row.state);
  }
}
