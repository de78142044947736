/** Grants slots to organizations by fair share, and takes them back when their time is over and their holder agrees. */
import type { OrganizationRpc } from "../../contracts/organization-rpc.ts";
import type { DemandReceipt, DemandReport } from "../../contracts/platform-rpc.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { Transaction, Transactions } from "../transactions.ts";
import type { DemandTable } from "./demand-table.ts";
import { pickContender, serviceAfterGrant, serviceOnReturn } from "./fair-queue.ts";
import type { Slot, SlotTable } from "./slot-table.ts";

export interface SlotDeskParts {
  readonly demands: DemandTable;
  readonly slots: SlotTable;
  readonly globalSlots: number;
  readonly timings: Timings;
  readonly transactions: Transactions;
  readonly organization: (organizationId: string) => Pick<OrganizationRpc, "grantSlot" | "confirmSlots">;
}

export class SlotDesk {
  readonly #parts: SlotDeskParts;

  constructor(parts: SlotDeskParts) {
    this.#parts = parts;
  }

  /** Takes an organization's report; an older one than the last is ignored, and the same one again renews its slots. */
  takeReport(transaction: Transaction, report: DemandReport): DemandReceipt {
    const { demands, slots } = this.#parts;
    const { organizationId } = report;
    const known = demands.find(organizationId);
    if (known !== null && report.version < known.version) return { version: known.version, lostSlotIds: [] };

    const service = known?.service ?? 0;
    const returns = report.demand > 0 && (known === null || known.demand === 0);
    demands.save(
      report,
      returns ? serviceOnReturn(service, demands.servicesBeside(organizationId)) : service,
      transaction.nowMs,
    );
    for (const slotId of report.releasedSlotIds) {
      if (slots.find(slotId)?.organizationId === organizationId) this.#free(transaction, slotId);
    }
    const lostSlotIds = report.heldSlotIds.filter((slotId) => {
      const slot = slots.find(slotId);
      if (slot?.organizationId !== organizationId) return true;
      this.#hold(transaction, slot);
      return false;
    });
    this.#grantFree(transaction);
    return { version: report.version, lostSlotIds };
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
      this.#free(transaction, slotId);
      this.#grantFree(transaction);
    });
  }

  /** Offers free slots, one by one, to whoever is owed the next. */
  #grantFree(transaction: Transaction): void {
    const { demands, slots, globalSlots } = this.#parts;
    for (;;) {
      const number = slots.freeNumber(globalSlots);
      const pick = number === null ? null : pickContender(demands.contenders());
      const demand = pick?.kind === "grant" ? demands.find(pick.organizationId) : null;
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
      demands.markSatisfied(organizationId, slot.demandVersion);
      this.#free(transaction, slotId);
      this.#grantFree(transaction);
    });
  }

  #hold(transaction: Transaction, slot: Slot): void {
    const leaseUntilMs = transaction.nowMs + this.#parts.timings.slotLeaseMs;
    this.#parts.slots.save({ ...slot, isHeld: true, leaseUntilMs });
    transaction.deadlines.clear(`offer:${slot.slotId}`);
    transaction.deadlines.set(`slot:${slot.slotId}`, leaseUntilMs);
  }

  #free(transaction: Transaction, slotId: string): void {
    this.#parts.slots.remove(slotId);
    transaction.deadlines.clear(`offer:${slotId}`);
    transaction.deadlines.clear(`slot:${slotId}`);
  }
}
