/**
 * Holds what an organization spends against its budgets: what is committed and set aside in a day or a month grows up to
 * the limit at most. A budget may be lowered below that; then nothing new is set aside before there is room again.
 */
import { periodAt, type PeriodKind } from "../../src/core/utc-periods.ts";
import type { ObjectHost } from "./object-host.ts";
import type { OrganizationModel } from "./organization-model.ts";
import { propertyOf } from "./properties.ts";

/** Jobs beyond the cost that their submission allows. */
const overCeilings = `
  SELECT j.id AS id, j.state ->> '$.record.costMicroUsd' + IFNULL(r.amount_micro_usd, 0) -
    (j.state ->> '$.record.config.maxCostMicroUsd') AS over
  FROM jobs j LEFT JOIN reservations r ON r.job_id = j.id
  WHERE j.state ->> '$.record.config.maxCostMicroUsd' IS NOT NULL AND over > 0`;

interface PeriodUse {
  readonly kind: PeriodKind;
  readonly used: number;
}

export interface MoneyRulesParts {
  readonly host: ObjectHost;
  readonly model: OrganizationModel;
  readonly report: (problem: string) => void;
}

export class MoneyRules {
  readonly #parts: MoneyRulesParts;
  /** How often the tables had been written when they were looked at last. */
  #writes = -1;
  #seen: ReadonlyMap<string, PeriodUse> = new Map();

  constructor(parts: MoneyRulesParts) {
    this.#parts = parts;
  }

  /** Looks at what a change has set aside or spent. */
  committed(): void {
    const { host, model, report } = this.#parts;
    const writes = host.disk.writesTo("spending") + host.disk.writesTo("reservations");
    if (writes === this.#writes) return;
    this.#writes = writes;
    const periods = usesOf(host);
    for (const [key, { kind, used }] of periods) {
      const excess = used - limitOf(host, kind);
      if (excess > 0 && used > (this.#seen.get(key)?.used ?? 0))
        report(`${excess} micro-dollars too much are committed and set aside`);
    }
    this.#seen = periods;
    if (!model.hasCeilings()) return;
    for (const { id, over } of host.disk.query<{ id: string; over: number }>(overCeilings))
      report(`${id} has committed and set aside ${over} micro-dollars more than its ceiling`);
  }
}

/** What is left of an organization's budgets where least is. */
export function roomMicroUsd(host: ObjectHost): number {
  const rooms = [...usesOf(host).values()].map(({ kind, used }) => limitOf(host, kind) - used);
  return Math.min(limitOf(host, "day"), limitOf(host, "month"), ...rooms);
}

/** Infinite where the terms have no limit. */
function limitOf({ disk }: ObjectHost, kind: PeriodKind): number {
  const name = kind === "day" ? "dailyBudgetMicroUsd" : "monthlyBudgetMicroUsd";
  return Number(propertyOf(propertyOf(disk.read("terms"), "limits"), name) ?? Infinity);
}

/** Committed and set aside, for each period in which anything was. */
function usesOf({ disk }: ObjectHost): ReadonlyMap<string, PeriodUse> {
  const uses = new Map<string, PeriodUse>();
  const add = (kind: PeriodKind, startMs: number, amountMicroUsd: number): void => {
    const key = `${kind} ${startMs}`;
    uses.set(key, { kind, used: (uses.get(key)?.used ?? 0) + amountMicroUsd });
  };
  const spent = disk.query<{ kind: PeriodKind; startMs: number; committed: number }>(
    "SELECT kind, start_ms AS startMs, committed_micro_usd AS committed FROM spending",
  );
  for (const { kind, startMs, committed } of spent) add(kind, startMs, committed);
  const reserved = disk.query<{ atMs: number; amount: number }>(
    "SELECT reserved_at_ms AS atMs, amount_micro_usd AS amount FROM reservations",
  );
  for (const { atMs, amount } of reserved) {
    for (const kind of ["day", "month"] as const) add(kind, periodAt(kind, atMs).startMs, amount);
  }
  return uses;
}
