/** Watches how the objects share slots: nothing granted twice, nothing left idle, nothing waited for too long. */
import type { Disk } from "./disk.ts";
import type { ObjectHost } from "./object-host.ts";
import { Overdue } from "./overdue.ts";
import { propertyOf } from "./properties.ts";
import { switchesOnPlatform } from "./switches-at.ts";

export interface PlatformWatchOptions {
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
  /** Organizations that are given no slot before they have acknowledged a switch. */
  readonly unaware: ReadonlySet<string>;
  /** How often the tables had been written when this was read. */
  readonly writes: number;
}

/** What an organization and the platform owe each other once the faults have stopped. */
interface Debts {
  readonly report: Overdue;
  readonly acknowledgement: Overdue;
}

export class PlatformWatch {
  readonly #options: PlatformWatchOptions;
  readonly #idle: Overdue;
  readonly #debts = new Map<string, Debts>();
  #platform: ObjectHost | null = null;
  #slots: SlotCounts | null = null;
  #faultsStoppedAtMs: number | null = null;

  constructor(options: PlatformWatchOptions) {
    this.#options = options;
    this.#idle = this.#overdue(
      () => this.#lookAtSlots(),
      (ms) => `a slot is free beside acknowledged demand for ${ms} ms`,
    );
  }

  /** From now on whatever is not acknowledged was sent within the last second, by either side. */
  faultsStopped(organizations: Iterable<ObjectHost>): void {
    this.#faultsStoppedAtMs = this.#options.nowMs();
    for (const organization of organizations) this.organizationCommitted(organization);
    this.#lookAtSlots();
  }

  faultsStoppedAtMs(): number | null {
    return this.#faultsStoppedAtMs;
  }

  /** Time has leapt: nobody could act meanwhile. */
  leapt(): void {
    this.#idle.restart();
    for (const { report, acknowledgement } of this.#debts.values()) {
      report.restart();
      acknowledgement.restart();
    }
  }

  reportSent(organizationId: string): void {
    this.#debts.get(organizationId)?.report.restart();
  }

  platformCommitted(host: ObjectHost): void {
    this.#platform = host;
    this.#lookAtSlots();
  }

  /** What an organization has not reported successfully it commits as due; hearing an answer is a commit, too. */
  organizationCommitted(host: ObjectHost): void {
    if (this.#faultsStoppedAtMs === null || this.#platform === null) return;
    const isDue = host.disk.query("SELECT 1 FROM deadlines WHERE name = 'report'").length > 0;
    this.#debtsOf(host).report.note(isDue || !isKnown(this.#platform.disk, host));
  }

  #lookAtSlots(): void {
    if (this.#platform === null) return;
    const { globalSlots, report } = this.#options;
    const { taken, wanted, isDebugged, unaware } = this.#slotsOn(this.#platform.disk);
    if (taken > globalSlots) report(`the platform has given away ${taken} of ${globalSlots} slots`);
    this.#idle.note(taken < (isDebugged ? 1 : globalSlots) && wanted > 0);
    if (this.#faultsStoppedAtMs === null) return;
    for (const [organizationId, { acknowledgement }] of this.#debts) acknowledgement.note(unaware.has(organizationId));
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
    const unaware = disk.query<{ id: string }>("SELECT organization_id AS id FROM demands WHERE is_stale = 1");
    // As long as the switch is there: the platform itself has to notice that its time is over.
    const isDebugged = switchesOnPlatform(disk).some(
      ({ mode, scope }) => mode === "debug" && scope.kind === "platform",
    );
    this.#slots = {
      taken: counts?.taken ?? 0,
      wanted: counts?.wanted ?? 0,
      isDebugged,
      unaware: new Set(unaware.map(({ id }) => id)),
      writes,
    };
    return this.#slots;
  }

  #debtsOf(host: ObjectHost): Debts {
    const { name } = host;
    const known = this.#debts.get(name);
    if (known !== undefined) return known;
    const debts = {
      report: this.#overdue(
        () => this.organizationCommitted(host),
        (ms) => `${name} has not sent its demand again for ${ms} ms`,
      ),
      acknowledgement: this.#overdue(
        () => this.#lookAtSlots(),
        (ms) => `slots are kept back from ${name}, which has not acknowledged a switch, for ${ms} ms`,
      ),
    };
    this.#debts.set(name, debts);
    return debts;
  }

  #overdue(look: () => void, words: (lastedMs: number) => string): Overdue {
    const { nowMs, after, report } = this.#options;
    return new Overdue({ nowMs, after, look, report: (lastedMs) => report(words(lastedMs)) });
  }
}

/** Whether the platform has the version of its demand that the organization reported last. */
function isKnown(platform: Disk, { name, disk }: ObjectHost): boolean {
  const version = propertyOf(disk.read("demandReport"), "version") ?? 0;
  const [known] = platform.query<{ version: number }>("SELECT version FROM demands WHERE organization_id = ?", name);
  return version === (known?.version ?? 0);
}
