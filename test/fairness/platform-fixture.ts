/** The platform's real slots and fair queue over a database in memory, with organizations that take whatever is offered. */
import type { DemandReceipt, DemandReport } from "../../src/contracts/platform-rpc.ts";
import { newId } from "../../src/core/ids.ts";
import { Deadlines } from "../../src/durable-objects/deadlines.ts";
import { DemandTable } from "../../src/durable-objects/platform/demand-table.ts";
import { platformMigrations } from "../../src/durable-objects/platform/schema.ts";
import { SlotDesk } from "../../src/durable-objects/platform/slot-desk.ts";
import { SlotTable } from "../../src/durable-objects/platform/slot-table.ts";
import type { Transaction } from "../../src/durable-objects/transactions.ts";
import { createMemorySql } from "./memory-sql.ts";
import { quietTimings } from "../support/queues-fixture.ts";

export interface Tenant {
  readonly organizationId: string;
  readonly weight: number;
  /** The most jobs that it may run at once. */
  readonly limit: number;
  waiting: number;
  readonly slotIds: string[];
}

export interface Offer {
  readonly organizationId: string;
  readonly slotId: string;
}

export class PlatformFixture {
  nowMs = 1_000_000;
  slotLimit: number;
  /** Who was offered slots, in order. */
  readonly offers: Offer[] = [];
  /** Slots whose holder was asked whether he still uses them; what he answers. */
  readonly asked: string[] = [];
  stillUsed: (slotId: string) => boolean = () => true;
  readonly sql = createMemorySql();
  readonly demands = new DemandTable(this.sql);
  readonly slots = new SlotTable(this.sql);
  readonly desk: SlotDesk;
  readonly #deadlines = new Deadlines(this.sql, { keep: (kept) => kept });
  readonly #tenants = new Map<string, Tenant>();
  readonly #versions = new Map<string, number>();
  #tasks: Promise<unknown>[] = [];

  constructor(slotLimit: number) {
    this.slotLimit = slotLimit;
    for (const migration of platformMigrations) this.sql.exec(migration);
    this.desk = new SlotDesk({
      demands: this.demands,
      slots: this.slots,
      log: { append: () => undefined },
      timings: quietTimings,
      transactions: { run: (work) => this.run(work) },
      organization: () => ({
        grantSlot: ({ organizationId, slotId }) => Promise.resolve({ accepted: this.#take(organizationId, slotId) }),
        confirmSlots: ({ slotIds }) => {
          this.asked.push(...slotIds);
          return Promise.resolve(slotIds.filter((slotId) => this.stillUsed(slotId)));
        },
      }),
      slotLimit: () => this.slotLimit,
      isStale: () => false,
    });
  }

  run<Result>(work: (transaction: Transaction) => Result): Result {
    const { nowMs } = this;
    const tasks: (() => Promise<unknown>)[] = [];
    const result = work({
      nowMs,
      deadlines: this.#deadlines,
      newId: (kind) => newId(kind, nowMs),
      afterCommit: (_name, task) => tasks.push(task),
    });
    for (const task of tasks) this.#tasks.push(task());
    return result;
  }

  /** Waits until every call between the objects has been answered, and those that follow from the answers. */
  async settle(): Promise<void> {
    while (this.#tasks.length > 0) {
      const tasks = this.#tasks;
      this.#tasks = [];
      await Promise.all(tasks);
    }
  }

  add(organizationId: string, waiting: number, { weight = 1, limit = 1_000 } = {}): Tenant {
    const tenant: Tenant = { organizationId, weight, limit, waiting, slotIds: [] };
    this.#tenants.set(organizationId, tenant);
    this.report(tenant);
    return tenant;
  }

  /** Reports what the tenant wants and holds, giving back the slots named. */
  report(tenant: Tenant, releasedSlotIds: readonly string[] = []): DemandReceipt {
    const { organizationId, weight, limit, waiting, slotIds } = tenant;
    const version = (this.#versions.get(organizationId) ?? 0) + 1;
    this.#versions.set(organizationId, version);
    const demand = Math.max(0, Math.min(waiting, limit - slotIds.length));
    const report: DemandReport = {
      organizationId,
      version,
      demand,
      headPriority: demand > 0 ? 5 : null,
      oldestAtMs: demand > 0 ? 0 : null,
      weight,
      hasOpenWork: waiting > 0,
      termsVersion: 0,
      heldSlotIds: slotIds,
      releasedSlotIds,
    };
    return this.run((transaction) => this.desk.takeReport(transaction, report));
  }

  /** Ends the job in a slot. */
  async finish({ organizationId, slotId }: Offer): Promise<void> {
    const tenant = this.#tenants.get(organizationId);
    if (tenant === undefined) throw new Error(`${organizationId} is unknown`);
    tenant.slotIds.splice(tenant.slotIds.indexOf(slotId), 1);
    this.report(tenant, [slotId]);
    await this.settle();
  }

  #take(organizationId: string, slotId: string): boolean {
    const tenant = this.#tenants.get(organizationId);
    if (tenant === undefined || tenant.waiting === 0 || tenant.slotIds.length >= tenant.limit) return false;
    tenant.waiting -= 1;
    tenant.slotIds.push(slotId);
    this.offers.push({ organizationId, slotId });
    return true;
  }
}
