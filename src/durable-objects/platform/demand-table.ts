/** What every organization last reported to want, and how well it has been served. */
import type { DemandReport } from "../../contracts/platform-rpc.ts";
import type { Contender } from "./fair-queue.ts";

export interface DemandRow {
  readonly organizationId: string;
  readonly version: number;
  readonly demand: number;
  readonly weight: number;
  /** The version of which the organization has said that it needs no more. */
  readonly satisfiedVersion: number;
  readonly service: number;
}

type SqlDemandRow = {
  organization_id: string;
  version: number;
  demand: number;
  weight: number;
  satisfied_version: number;
  service: number;
};

function demandOf(row: SqlDemandRow): DemandRow {
  return {
    organizationId: row.organization_id,
    version: row.version,
    demand: row.demand,
    weight: row.weight,
    satisfiedVersion: row.satisfied_version,
    service: row.service,
  };
}

export class DemandTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(organizationId: string): DemandRow | null {
    const row = this.#sql
      .exec<SqlDemandRow>("SELECT * FROM demands WHERE organization_id = ?", organizationId)
      .next().value;
    return row === undefined ? null : demandOf(row);
  }

  save(report: DemandReport, service: number, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO demands
         (organization_id, version, demand, head_priority, oldest_at_ms, weight, satisfied_version, service, reported_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)
       ON CONFLICT (organization_id) DO UPDATE SET
         version = excluded.version, demand = excluded.demand, head_priority = excluded.head_priority,
         oldest_at_ms = excluded.oldest_at_ms, weight = excluded.weight, service = excluded.service,
         reported_at_ms = excluded.reported_at_ms`,
      report.organizationId,
      report.version,
      report.demand,
      report.headPriority,
      report.oldestAtMs,
      report.weight,
      service,
      nowMs,
    );
  }

  setService(organizationId: string, service: number): void {
    this.#sql.exec("UPDATE demands SET service = ? WHERE organization_id = ?", service, organizationId);
  }

  /** Notes that the organization could not use a slot that was granted for this version of its demand. */
  markSatisfied(organizationId: string, version: number): void {
    this.#sql.exec(
      "UPDATE demands SET satisfied_version = MAX(satisfied_version, ?) WHERE organization_id = ?",
      version,
      organizationId,
    );
  }

  /** Service of the other organizations that want slots now. */
  servicesBeside(organizationId: string): readonly number[] {
    return this.#sql
      .exec<{ service: number }>(
        "SELECT service FROM demands WHERE demand > 0 AND organization_id <> ?",
        organizationId,
      )
      .toArray()
      .map(({ service }) => service);
  }

  /**
   * Organizations that want slots. Offers that are not answered count against their demand, and so do slots that they
   * took for the present version of it: a newer report has them subtracted already.
   */
  contenders(): readonly Contender[] {
    return this.#sql
      .exec<{ id: string; open: number; service: number; head: number | null; oldest: number | null }>(
        `SELECT d.organization_id AS id, d.service, d.head_priority AS head, d.oldest_at_ms AS oldest,
           d.demand - (
             SELECT COUNT(*) FROM slots s
             WHERE s.organization_id = d.organization_id AND (s.is_held = 0 OR s.demand_version = d.version)
           ) AS open
         FROM demands d WHERE d.demand > 0 AND d.satisfied_version < d.version`,
      )
      .toArray()
      .map((row) => ({
        organizationId: row.id,
        openDemand: row.open,
        service: row.service,
        headPriority: row.head,
        oldestAtMs: row.oldest,
      }));
  }

  /** Busy organizations that have not reported since. */
  silentSince(sinceMs: number): readonly string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT organization_id AS id FROM demands d
         WHERE reported_at_ms < ? AND (demand > 0 OR EXISTS (SELECT 1 FROM slots s WHERE s.organization_id = d.organization_id))
         ORDER BY reported_at_ms`,
        sinceMs,
      )
      .toArray()
      .map(({ id }) => id);
  }

  totals(): { readonly organizationsWaiting: number; readonly demand: number } {
    const row = this.#sql
      .exec<{ n: number; total: number | null }>(
        "SELECT COUNT(*) AS n, SUM(demand) AS total FROM demands WHERE demand > 0",
      )
      .one();
    return { organizationsWaiting: row.n, demand: row.total ?? 0 };
  }
}
