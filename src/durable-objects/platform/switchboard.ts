/** The switches of the platform, and how often those that concern an organization have changed. */
import { type ClearOrder, scopeOrganization, type Switch, type SwitchScope } from "../../contracts/switches.ts";
import { fromStoredJson } from "../stored-json.ts";

/** What concerns every organization is kept under this key, which is no organization's id. */
const everyOrganization = "";

type SwitchRow = { switch: string };

export class Switchboard {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** All of them, oldest first; with an organization, those that concern it. */
  list(organizationId: string | null = null): readonly Switch[] {
    return this.#sql
      .exec<SwitchRow>(
        "SELECT switch FROM switches WHERE ? IS NULL OR concerns IN ('', ?) ORDER BY created_at_ms, id",
        organizationId,
        organizationId,
      )
      .toArray()
      .map((row) => fromStoredJson<Switch>(row.switch));
  }

  find(switchId: string): Switch | null {
    const row = this.#sql.exec<SwitchRow>("SELECT switch FROM switches WHERE id = ?", switchId).next().value;
    return row === undefined ? null : fromStoredJson<Switch>(row.switch);
  }

  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM switches").one().n;
  }

  add(added: Switch): void {
    this.#sql.exec(
      "INSERT INTO switches (id, concerns, created_at_ms, switch) VALUES (?, ?, ?, ?)",
      added.id,
      keyOf(added.scope),
      added.createdAtMs,
      JSON.stringify(added),
    );
    this.noteChange(added.scope);
  }

  remove(removed: Switch): void {
    this.#sql.exec("DELETE FROM switches WHERE id = ?", removed.id);
    this.noteChange(removed.scope);
  }

  orderClear(scope: SwitchScope, order: ClearOrder): void {
    this.noteChange(scope);
    this.#sql.exec("UPDATE switch_changes SET clear = ? WHERE concerns = ?", JSON.stringify(order), keyOf(scope));
  }

  /** The last order to clear that concerns the organization. */
  clearOf(organizationId: string): ClearOrder | null {
    const orders = this.#sql
      .exec<{ clear: string }>(
        "SELECT clear FROM switch_changes WHERE concerns IN ('', ?) AND clear IS NOT NULL",
        organizationId,
      )
      .toArray()
      .map(({ clear }) => fromStoredJson<ClearOrder>(clear))
      .toSorted((left, right) => right.atMs - left.atMs);
    return orders[0] ?? null;
  }

  /** Grows with every change that concerns the organization. */
  version(organizationId: string): number {
    return this.#sql
      .exec<{ version: number }>(
        "SELECT COALESCE(SUM(version), 0) AS version FROM switch_changes WHERE concerns IN ('', ?)",
        organizationId,
      )
      .one().version;
  }

  /** Counts a change of what the organizations of this scope are told. */
  noteChange(scope: SwitchScope): void {
    this.#sql.exec(
      `INSERT INTO switch_changes (concerns, version) VALUES (?, 1)
       ON CONFLICT (concerns) DO UPDATE SET version = version + 1`,
      keyOf(scope),
    );
  }
}

function keyOf(scope: SwitchScope): string {
  return scopeOrganization(scope) ?? everyOrganization;
}
