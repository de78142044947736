export interface Slot {
  readonly slotId: string;
  readonly number: number;
  readonly organizationId: string;
  /** False while the organization has not yet answered the offer. */
  readonly isHeld: boolean;
  /** Version of the demand that it was granted for. */
  readonly demandVersion: number;
  readonly leaseUntilMs: number;
}

type SlotRow = {
  slot_id: string;
  number: number;
  organization_id: string;
  is_held: number;
  demand_version: number;
  lease_until_ms: number;
};

function slotOf(row: SlotRow): Slot {
  return {
    slotId: row.slot_id,
    number: row.number,
    organizationId: row.organization_id,
    isHeld: row.is_held === 1,
    demandVersion: row.demand_version,
    leaseUntilMs: row.lease_until_ms,
  };
}

export class SlotTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  save(slot: Slot): void {
    this.#sql.exec(
      `INSERT INTO slots (slot_id, number, organization_id, is_held, demand_version, lease_until_ms)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot_id) DO UPDATE SET
         is_held = excluded.is_held, demand_version = excluded.demand_version, lease_until_ms = excluded.lease_until_ms`,
      slot.slotId,
      slot.number,
      slot.organizationId,
      slot.isHeld ? 1 : 0,
      slot.demandVersion,
      slot.leaseUntilMs,
    );
  }

  find(slotId: string): Slot | null {
    const row = this.#sql.exec<SlotRow>("SELECT * FROM slots WHERE slot_id = ?", slotId).next().value;
    return row === undefined ? null : slotOf(row);
  }

  /** By number. */
  all(): readonly Slot[] {
    return this.#sql.exec<SlotRow>("SELECT * FROM slots ORDER BY number").toArray().map(slotOf);
  }

  remove(slotId: string): void {
    this.#sql.exec("DELETE FROM slots WHERE slot_id = ?", slotId);
  }

  /** The lowest number that no slot has; null when as many are in use as there may be, or more since the limit fell. */
  freeNumber(limit: number): number | null {
    const taken = new Set(
      this.#sql
        .exec<{ number: number }>("SELECT number FROM slots")
        .toArray()
        .map(({ number }) => number),
    );
    if (taken.size >= limit) return null;
    for (let number = 0; number < limit; number += 1) if (!taken.has(number)) return number;
    return null;
  }

  count(organizationId: string | null = null): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT COUNT(*) AS n FROM slots WHERE ? IS NULL OR organization_id = ?",
        organizationId,
        organizationId,
      )
      .one().n;
  }
}
