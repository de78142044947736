/** Watches how the objects share slots: nothing granted twice, nothing left idle, nothing waited for too long. */
import type { Disk } from "./disk.ts";
import type { ObjectHost } from "./object-host.ts";
import { propertyOf } from "./properties.ts";
import { switchesOnPlatform } from "./switches-at.ts";

export interface PlatformWatchOptions {
  readonly organizationIds: readonly string[];
  readonly globalSlots: number;
  readonly nowMs: () => number;
  /** Has a task run later; answering false it lets nothing go on. */
  readonly after: (delayMs: number, task: () => false) => void;
  readonly report: (problem: string) => void;
}

interface SlotCounts {
  readonly taken: number;
  readonly wanted: number;
  /** Whether the platform works in one slot only. */
  readonly isDebugged: boolean;
  /** How often the tables had been written when this was counted. */
  readonly writes: number;
}

/** A second, and what clocks may differ and an alarm may be late. */
const patienceMs = 1_000 + 350;

export class PlatformWatch {
  readonly #options: PlatformWatchOptions;
  #slots: SlotCounts | null = null;
  #idleSinceMs: number | null = null;
  #faultsStoppedAtMs: number | null = null;
  /** Whether the platform had acknowledged what an organization reported, and what that was read from. */
  readonly #acknowledged = new Map<
    string,
    { readonly demand: unknown; readonly writes: number; readonly isAcknowledged: boolean }
  >();
  /** When an organization last sent a report, or had none to send. */
  readonly #lastReportMs = new Map<string, number>();

  constructor(options: PlatformWatchOptions) {
    this.#options = options;
  }

  faultsStopped(): void {
    this.#faultsStoppedAtMs = this.#options.nowMs();
  }

  /** Time has leapt: nobody could act meanwhile. */
  leapt(): void {
    this.#idleSinceMs = null;
  }

  reportSent(organizationId: string): void {
    this.#lastReportMs.set(organizationId, this.#options.nowMs());
  }

  /** Looks at the platform's own tables. */
  look(host: ObjectHost): void {
    const { globalSlots, nowMs, report } = this.#options;
    const { taken, wanted, isDebugged } = this.#slotsOn(host.disk);
    if (taken > globalSlots) report(`the platform has given away ${taken} of ${globalSlots} slots`);
    if (taken >= (isDebugged ? 1 : globalSlots) || wanted === 0) this.#idleSinceMs = null;
    else {
      if (this.#idleSinceMs === null) this.#lookAgain(host);
      this.#idleSinceMs ??= nowMs();
      const idleMs = nowMs() - this.#idleSinceMs;
      if (idleMs > patienceMs) report(`a slot is free beside acknowledged demand for ${idleMs} ms`);
    }
  }

  #lookAgain(host: ObjectHost): void {
    this.#options.after(patienceMs + 1, () => {
      this.look(host);
      return false;
    });
  }

  #slotsOn(disk: Disk): SlotCounts {
    const writes = disk.writesTo("slots") + disk.writesTo("demands") + disk.writesTo("switches");
    if (this.#slots?.writes === writes) return this.#slots;
    const [counts] = disk.query<{ taken: number; wanted: number }>(
      `SELECT (SELECT COUNT(*) FROM slots) AS taken, (
         SELECT COUNT(*) FROM demands d
         WHERE d.is_stale = 0 AND d.satisfied_version < d.version AND d.demand > (
           SELECT COUNT(*) FROM slots s
           WHERE s.organization_id = d.organization_id AND (s.is_held = 0 OR s.demand_version = d.version))
       ) AS wanted`,
    );
    // As long as the switch is there: the platform itself has to notice that its time is over.
    const isDebugged = switchesOnPlatform(disk).some(
      ({ mode, scope }) => mode === "debug" && scope.kind === "platform",
    );
    this.#slots = { taken: counts?.taken ?? 0, wanted: counts?.wanted ?? 0, isDebugged, writes };
    return this.#slots;
  }

  /** Once the faults have stopped: what the platform has not acknowledged was sent within the last second. */
  lookAtReports(platform: ObjectHost, organizations: readonly ObjectHost[]): void {
    if (this.#faultsStoppedAtMs === null) return;
    for (const organization of organizations) this.#lookAtReport(platform, organization, this.#faultsStoppedAtMs);
  }

  #lookAtReport(platform: ObjectHost, { name, disk }: ObjectHost, faultsStoppedAtMs: number): void {
    const { nowMs, report } = this.#options;
    if (this.#isAcknowledged(platform.disk, name, disk)) {
      this.#lastReportMs.set(name, nowMs());
      return;
    }
    const silentMs = nowMs() - Math.max(this.#lastReportMs.get(name) ?? 0, faultsStoppedAtMs);
    if (silentMs > patienceMs) report(`${name} has not sent its demand again for ${silentMs} ms`);
  }

  #isAcknowledged(platform: Disk, organizationId: string, disk: Disk): boolean {
    const demand = disk.read("demandReport");
    const writes = platform.writesTo("demands") + disk.writesTo("deadlines");
    const seen = this.#acknowledged.get(organizationId);
    if (seen?.demand === demand && seen?.writes === writes) return seen.isAcknowledged;
    const version = propertyOf(demand, "version") ?? 0;
    const [known] = platform.query<{ version: number }>(
      "SELECT version FROM demands WHERE organization_id = ?",
      organizationId,
    );
    const [due] = disk.query("SELECT name FROM deadlines WHERE name = 'report'");
    const isAcknowledged = due === undefined && version === (known?.version ?? 0);
    this.#acknowledged.set(organizationId, { demand, writes, isAcknowledged });
    return isAcknowledged;
  }
}
