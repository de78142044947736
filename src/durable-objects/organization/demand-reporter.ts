/** Tells the platform what the organization wants and holds, again and again until it is acknowledged. */
import type { DemandReceipt, DemandReport, PlatformRpc } from "../../contracts/platform-rpc.ts";
import type { HeldJobs } from "../../contracts/switch-evaluation.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { Deadline } from "../deadlines.ts";
import { objectResends, resendDelayMs } from "../resend-delay.ts";
import type { StorageMemory, StoredValue } from "../storage-memory.ts";
import type { Transaction } from "../transactions.ts";
import type { JobTable } from "./job-table.ts";
import { hasOpenWork } from "./open-work.ts";
import { demandOf, freeCapacity } from "./schedule.ts";

const reportKey = "demandReport";
const resendDeadline = "report";
const renewDeadline = "renew";
/** Longer than any call between the objects can be under way. */
const slotsRememberedForMs = 60 * 60_000;

type ReportContent = Pick<
  DemandReport,
  "demand" | "headPriority" | "oldestAtMs" | "weight" | "hasOpenWork" | "termsVersion" | "heldSlotIds"
>;

interface StoredReport {
  readonly version: number;
  /** The content that the version stands for. Given back slots are not part of it: each was held before. */
  readonly content: ReportContent;
}

export interface DemandReporterParts {
  readonly sql: SqlStorage;
  readonly memory: StorageMemory;
  readonly organizationId: string;
  readonly jobs: JobTable;
  readonly timings: Timings;
  readonly platform: () => PlatformRpc;
  readonly limits: () => { readonly concurrencyLimit: number; readonly weight: number };
  readonly termsVersion: () => number;
  /** Waiting jobs that may not start now. */
  readonly heldJobs: (nowMs: number) => HeldJobs;
  /** Takes the platform's answer in a transaction of its own. */
  readonly onReceipt: (report: DemandReport, receipt: DemandReceipt) => void;
}

export class DemandReporter {
  readonly #parts: DemandReporterParts;
  readonly #stored: StoredValue<StoredReport>;
  #isSending = false;
  #isSendingAgain = false;
  /** As the platform last said; what an eviction forgets is told with the next renewal. */
  #othersAreOwed = false;

  constructor(parts: DemandReporterParts) {
    this.#parts = parts;
    this.#stored = parts.memory.stored(reportKey);
  }

  /** Gives a slot back with the next report. */
  releaseSlot(slotId: string): void {
    this.#parts.sql.exec("INSERT OR IGNORE INTO released_slots (slot_id) VALUES (?)", slotId);
  }

  /** Gives up a slot that the platform takes back by itself: no late copy of its grant counts any more. */
  forgoSlot(slotId: string, nowMs: number): void {
    this.#parts.sql.exec("INSERT OR IGNORE INTO released_slots (slot_id, settled_at_ms) VALUES (?, ?)", slotId, nowMs);
  }

  /** Whether a slot was given back or up; remembered for longer than a copy of its grant can be under way. */
  wasReleased(slotId: string): boolean {
    const row = this.#parts.sql.exec("SELECT 1 FROM released_slots WHERE slot_id = ?", slotId).next();
    return row.done !== true;
  }

  /** Whether another organization is owed a slot of this one. One slot is given back for each time that the platform says so. */
  takeOwedSlot(): boolean {
    const areOwed = this.#othersAreOwed;
    this.#othersAreOwed = false;
    return areOwed;
  }

  /** Reports when what the organization wants or holds has changed. */
  refresh(transaction: Transaction): void {
    const { timings } = this.#parts;
    const content = this.#content(transaction.nowMs);
    const stored = this.#stored.get();
    const isNews =
      stored === undefined ? content.hasOpenWork : JSON.stringify(content) !== JSON.stringify(stored.content);
    if (!isNews) return;
    this.#stored.put({ version: (stored?.version ?? 0) + 1, content });
    if (content.heldSlotIds.length === 0) transaction.deadlines.clear(renewDeadline);
    else if (transaction.deadlines.get(renewDeadline) === null) {
      transaction.deadlines.set(renewDeadline, transaction.nowMs + timings.slotRenewMs);
    }
    this.#send(transaction);
  }

  /** Sends a report that was not acknowledged again, beside a call that may never be answered. */
  resend(transaction: Transaction, deadline: Deadline): void {
    this.#await(transaction, deadline.tries + 1);
    transaction.afterCommit("report demand again", () => this.#call());
  }

  /** Reports whether there is news or not, so that the platform knows of this organization's being awake. */
  report(transaction: Transaction): void {
    this.#send(transaction);
  }

  /** Renews the leases of the slots in use. */
  renew(transaction: Transaction): void {
    if (this.#parts.jobs.heldSlotIds().length === 0) return;
    transaction.deadlines.set(renewDeadline, transaction.nowMs + this.#parts.timings.slotRenewMs);
    this.#send(transaction);
  }

  /** Takes note that the platform has a report; the slots that it gave back are gone. */
  acknowledge(transaction: Transaction, report: DemandReport, receipt: DemandReceipt): void {
    const { sql } = this.#parts;
    this.#othersAreOwed = receipt.othersAreOwed;
    sql.exec("DELETE FROM released_slots WHERE settled_at_ms < ?", transaction.nowMs - slotsRememberedForMs);
    for (const slotId of report.releasedSlotIds) {
      sql.exec(
        "UPDATE released_slots SET settled_at_ms = ? WHERE slot_id = ? AND settled_at_ms IS NULL",
        transaction.nowMs,
        slotId,
      );
    }
    const stored = this.#stored.get();
    if (stored === undefined) return;
    if (receipt.version > stored.version) {
      // The platform remembers a storage of this organization that is no more: go on from its number.
      this.#stored.put({ ...stored, version: receipt.version + 1 });
      this.#send(transaction);
    } else if (report.version === stored.version) {
      transaction.deadlines.clear(resendDeadline);
    }
  }

  #content(nowMs: number): ReportContent {
    const { memory, jobs, limits, termsVersion, heldJobs } = this.#parts;
    const heldSlotIds = jobs.heldSlotIds();
    const { concurrencyLimit, weight } = limits();
    const claims = { hasOpenWork: jobs.backlog() > 0 || hasOpenWork(memory.sql), termsVersion: termsVersion() };
    const startable = jobs.waiting(nowMs, freeCapacity(heldSlotIds.length, concurrencyLimit), heldJobs(nowMs));
    return { ...demandOf(startable), weight, ...claims, heldSlotIds };
  }

  #report(): DemandReport | null {
    const { sql, organizationId } = this.#parts;
    const stored = this.#stored.get();
    if (stored === undefined) return null;
    const releasedSlotIds = sql
      .exec<{ slot_id: string }>("SELECT slot_id FROM released_slots WHERE settled_at_ms IS NULL ORDER BY slot_id")
      .toArray()
      .map((row) => row.slot_id);
    // A report that an earlier release stored says nothing of the newer claims: it stands until the next change.
    const earlier = { hasOpenWork: true, termsVersion: 0 };
    return { organizationId, version: stored.version, ...earlier, ...stored.content, releasedSlotIds };
  }

  #send(transaction: Transaction): void {
    this.#await(transaction, 0);
    transaction.afterCommit("report demand", () => this.#deliver());
  }

  #await(transaction: Transaction, tries: number): void {
    const delayMs = resendDelayMs(tries, objectResends(this.#parts.timings));
    transaction.deadlines.set(resendDeadline, transaction.nowMs + delayMs, tries);
  }

  /** One report at a time; what changes meanwhile goes with the next. */
  async #deliver(): Promise<void> {
    if (this.#isSending) {
      this.#isSendingAgain = true;
      return;
    }
    this.#isSending = true;
    try {
      do {
        this.#isSendingAgain = false;
        await this.#call();
      } while (this.#isSendingAgain);
    } finally {
      this.#isSending = false;
    }
  }

  async #call(): Promise<void> {
    const report = this.#report();
    if (report === null) return;
    this.#parts.onReceipt(report, await this.#parts.platform().reportDemand(report));
  }
}
