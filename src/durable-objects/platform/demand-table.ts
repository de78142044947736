/** What every organization last reported to want, and how well it has been served. */
import type { DemandReport } from "../../contracts/platform-rpc.ts";
import { boundLimit } from "../bound-limit.ts";

export interface DemandRow {
  readonly organizationId: string;
  readonly version: number;
  readonly demand: number;
  readonly weight: number;
  readonly hasOpenWork: boolean;
  /** The version of which the organization has said that it needs no more. */
  readonly satisfiedVersion: number;
  readonly service: number;
  /** Whether it does not know yet of a switch that may hold its work: it gets no slot until it does. */
  readonly isStale: boolean;
}

export type BusyOrganization = Pick<DemandRow, "organizationId" | "demand" | "hasOpenWork">;

type SqlDemandRow = {
  organization_id: string;
  version: number;
  demand: number;
  weight: number;
  has_open_work: number;
  satisfied_version: number;
  service: number;
  is_stale: number;
};

const isWorking = "(demand > 0 OR EXISTS (SELECT 1 FROM slots s WHERE s.organization_id = demands.organization_id))";

function demandOf(row: SqlDemandRow): DemandRow {
  return {
    organizationId: row.organization_id,
    version: row.version,
    demand: row.demand,
    weight: row.weight,
    hasOpenWork: row.has_open_work === 1,
    satisfiedVersion: row.satisfied_version,
    service: row.service,
    isStale: row.is_stale === 1,
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

  /** Stores a report; `countOpen` must follow, once its slots are stored too. */
  save(
    report: DemandReport,
    { service, isStale }: { readonly service: number; readonly isStale: boolean },
    nowMs: number,
  ): void {
    this.#sql.exec(
      `INSERT INTO demands (organization_id, version, demand, head_priority, oldest_at_ms, weight, has_open_work,
         satisfied_version, service, is_stale, reported_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (organization_id) DO UPDATE SET
         version = excluded.version, demand = excluded.demand, head_priority = excluded.head_priority,
         oldest_at_ms = excluded.oldest_at_ms, weight = excluded.weight, has_open_work = excluded.has_open_work,
         service = excluded.service, is_stale = excluded.is_stale, reported_at_ms = excluded.reported_at_ms`,
      report.organizationId,
      report.version,
      report.demand,
      report.headPriority,
      report.oldestAtMs,
      report.weight,
      report.hasOpenWork ? 1 : 0,
      service,
      isStale ? 1 : 0,
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
    this.countOpen(organizationId);
  }

  /** Notes whether the organization still has to learn of a switch. */
  setStale(organizationId: string, isStale: boolean): void {
    this.#sql.exec("UPDATE demands SET is_stale = ? WHERE organization_id = ?", isStale ? 1 : 0, organizationId);
    this.countOpen(organizationId);
  }

  /**
   * Counts what the organization wants beyond what it has: offers that are not answered count against its demand, and so
   * do slots that it took for the present version of it, because a newer report has them subtracted already.
   */
  countOpen(organizationId: string): void {
    this.#sql.exec(
      `UPDATE demands SET open_demand = CASE
         WHEN demand <= 0 OR satisfied_version >= version OR is_stale = 1 THEN 0
         ELSE MAX(0, demand - (
           SELECT COUNT(*) FROM slots s WHERE s.organization_id = demands.organization_id
             AND (s.is_held = 0 OR s.demand_version = demands.version)))
       END WHERE organization_id = ?`,
      organizationId,
    );
  }

  /** Least service among the other organizations that want slots now; null when there is none. */
  leastServiceBeside(organizationId: string): number | null {
    const row = this.#sql
      .exec<{ service: number }>(
        "SELECT service FROM demands WHERE demand > 0 AND organization_id <> ? ORDER BY service LIMIT 1",
        organizationId,
      )
      .next().value;
    return row?.service ?? null;
  }

  /**
   * Who gets the next free slot: least weighted service first, then the most urgent job, then who has waited longest.
   * The first row of an index, however many wait. Null when nobody wants one.
   */
  next(): DemandRow | null {
    const row = this.#sql
      .exec<SqlDemandRow>(
        `SELECT * FROM demands WHERE open_demand > 0
         ORDER BY service, head_priority, oldest_at_ms, organization_id LIMIT 1`,
      )
      .next().value;
    return row === undefined ? null : demandOf(row);
  }

  /** Organizations with demand, slots or unfinished work. */
  busy(limit: number = -1): readonly BusyOrganization[] {
    return this.#sql
      .exec<SqlDemandRow>(
        `SELECT * FROM demands WHERE has_open_work = 1 OR ${isWorking} ORDER BY service, organization_id ${boundLimit}`,
        limit,
      )
      .toArray()
      .map((row) => {
        const { organizationId, demand, hasOpenWork } = demandOf(row);
        return { organizationId, demand, hasOpenWork };
      });
  }

  /** Organizations with demand or slots that have not reported since. */
  silentSince(sinceMs: number): readonly string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT organization_id AS id FROM demands WHERE reported_at_ms < ? AND ${isWorking} ORDER BY reported_at_ms`,
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
