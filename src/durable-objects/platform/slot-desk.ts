/** Grants slots to organizations by fair share, and takes them back when their time is over and their holder agrees. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { DemandReceipt, DemandReport } from "../../contracts/platform-rpc.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { Transaction, Transactions } from "../transactions.ts";
import type { DemandTable } from "./demand-table.ts";
import { isOwedToAnother, serviceAfterGrant, serviceOnReturn } from "./fair-queue.ts";
import type { PlatformLog } from "./platform-log.ts";
import type { Slot, SlotTable } from "./slot-table.ts";

export interface SlotDeskParts {
  readonly demands: DemandTable;
  readonly slots: SlotTable;
  readonly log: Pick<PlatformLog, "append">;
  /** How many slots may be in use now. */
  readonly slotLimit: () => number;
  /** Whether an organization with terms of this version does not know of a switch that may hold its work. */
  readonly isStale: (transaction: Transaction, organizationId: string, termsVersion: number) => boolean;
  readonly timings: Timings;
  readonly transactions: Pick<Transactions, "run">;
  readonly organization: (organizationId: string) => Pick<OrganizationRpc, "grantSlot" | "confirmSlots">;
}

export class SlotDesk {
  readonly #parts: SlotDeskParts;

  constructor(parts: SlotDeskParts) {
    this.#parts = parts;
  }

  /** Takes an organization's report; an older one than the last is ignored, and the same one again renews its slots. */
  takeReport(transaction: Transaction, report: DemandReport): DemandReceipt {
    const { demands, slots, log, isStale } = this.#parts;
    const { organizationId } = report;
    const known = demands.find(organizationId);
    if (known !== null && report.version < known.version) {
      return { version: known.version, lostSlotIds: [], othersAreOwed: false };
    }

    const service = known?.service ?? 0;
    const returns = report.demand > 0 && (known === null || known.demand === 0);
    demands.save(
      report,
      {
        service: returns ? serviceOnReturn(service, demands.leastServiceBeside(organizationId)) : service,
        isStale: isStale(transaction, organizationId, report.termsVersion),
      },
      transaction.nowMs,
    );
    const { demand, hasOpenWork } = report;
    if (known?.demand !== demand || known.hasOpenWork !== hasOpenWork) {
      log.append(transaction, { type: "demand.changed", data: { organizationId, demand, hasOpenWork } });
    }
    for (const slotId of report.releasedSlotIds) {
      const slot = slots.find(slotId);
      if (slot?.organizationId === organizationId) this.#free(transaction, slot);
    }
    const lostSlotIds = report.heldSlotIds.filter((slotId) => {
      const slot = slots.find(slotId);
      if (slot?.organizationId !== organizationId) return true;
      this.#hold(transaction, slot);
      return false;
    });
    demands.countOpen(organizationId);
    this.grantFree(transaction);
    const holder = { organizationId, service: demands.find(organizationId)?.service ?? service };
    return { version: report.version, lostSlotIds, othersAreOwed: isOwedToAnother(demands.next(), holder) };
  }

  /** Repeats an offer that was not answered. */
  repeatOffer(transaction: Transaction, slotId: string, deadline: Deadline): void {
    const slot = this.#parts.slots.find(slotId);
    if (slot?.isHeld === false) this.#offer(transaction, slot, deadline.tries + 1);
  }

  /** Asks the holder of a slot whose lease is over; while he cannot be asked, it stays his. */
  expireLease(transaction: Transaction, slotId: string, deadline: Deadline): void {
    const { slots, timings } = this.#parts;
    const slot = slots.find(slotId);
    if (slot?.isHeld !== true) return;
    if (slot.leaseUntilMs > transaction.nowMs) {
      transaction.deadlines.set(`slot:${slotId}`, slot.leaseUntilMs);
      return;
    }
    const tries = deadline.tries + 1;
    const delayMs = resendDelayMs(deadline.tries, objectResends(timings));
    transaction.deadlines.set(`slot:${slotId}`, transaction.nowMs + delayMs, tries);
    transaction.afterCommit("confirm slot", () => this.#confirm(slot));
  }

  async #confirm({ slotId, organizationId }: Slot): Promise<void> {
    const { organization, slots, transactions } = this.#parts;
    const used = await organization(organizationId).confirmSlots({ organizationId, slotIds: [slotId] });
    transactions.run((transaction) => {
      const slot = slots.find(slotId);
      if (slot === null) return;
      if (used.includes(slotId)) {
        this.#hold(transaction, slot);
        return;
      }
      this.#free(transaction, slot);
      this.grantFree(transaction);
    });
  }

  /** Offers free slots, one by one, to whoever is owed the next. */
  grantFree(transaction: Transaction): void {
    const { demands, slots, slotLimit } = this.#parts;
    for (;;) {
      const number = slots.freeNumber(slotLimit());
      const demand = number === null ? null : demands.next();
      if (number === null || demand === null) return;
      const { organizationId, version, service, weight } = demand;
      demands.setService(organizationId, serviceAfterGrant(service, weight));
      const slot: Slot = {
        slotId: transaction.newId("slot"),
        number,
        organizationId,
        isHeld: false,
        demandVersion: version,
        leaseUntilMs: transaction.nowMs,
      };
      slots.save(slot);
      demands.countOpen(organizationId);
      this.#tell(transaction, "slot.offered", slot);
      this.#offer(transaction, slot, 0);
    }
  }

  #offer(transaction: Transaction, slot: Slot, tries: number): void {
    const { timings } = this.#parts;
    const delayMs = resendDelayMs(tries, objectResends(timings));
    transaction.deadlines.set(`offer:${slot.slotId}`, transaction.nowMs + delayMs, tries);
    transaction.afterCommit("offer slot", () => this.#deliverOffer(slot));
  }

  async #deliverOffer({ slotId, number, organizationId }: Slot): Promise<void> {
    const { organization, slots, demands, transactions } = this.#parts;
    const { accepted } = await organization(organizationId).grantSlot({ organizationId, slotId, slotNumber: number });
    transactions.run((transaction) => {
      const slot = slots.find(slotId);
      if (slot === null || slot.isHeld) return;
      if (accepted) {
        // A report that came meanwhile does not list the slot, so it was made before: its demand has the slot in it.
        const demandVersion = demands.find(organizationId)?.version ?? slot.demandVersion;
        this.#hold(transaction, { ...slot, demandVersion });
        return;
      }
      this.#free(transaction, slot);
      demands.markSatisfied(organizationId, slot.demandVersion);
      this.grantFree(transaction);
    });
  }

  #hold(transaction: Transaction, slot: Slot): void {
    const leaseUntilMs = transaction.nowMs + this.#parts.timings.slotLeaseMs;
    const { slots, demands } = this.#parts;
    slots.save({ ...slot, isHeld: true, leaseUntilMs });
    if (!slot.isHeld) {
      demands.countOpen(slot.organizationId);
      this.#tell(transaction, "slot.held", slot);
    }
    transaction.deadlines.clear(`offer:${slot.slotId}`);
    transaction.deadlines.set(`slot:${slot.slotId}`, leaseUntilMs);
  }

  #free(transaction: Transaction, slot: Slot): void {
    const { slots, demands } = this.#parts;
    const { slotId } = slot;
    slots.remove(slotId);
    demands.countOpen(slot.organizationId);
    this.#tell(transaction, "slot.freed", slot);
    transaction.deadlines.clear(`offer:${slotId}`);
    transaction.deadlines.clear(`slot:${slotId}`);
  }

  #tell(transaction: Transaction, type: "slot.offered" | "slot.held" | "slot.freed", slot: Slot): void {
    const { slotId, number, organizationId } = slot;
    this.#parts.log.append(transaction, { type, data: { slotId, number, organizationId } });
  }
}
