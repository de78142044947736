/** Reads what the platform tells, and holds its offers against its switches: nobody works against one unawares. */
import type { PlatformEvent } from "../../src/contracts/platform-events.ts";
import type { Disk } from "./disk.ts";
import type { ObjectHost } from "./object-host.ts";
import { concerns, holdingModes, isOver, switchesOnPlatform, termsOn } from "./switches-at.ts";

/** Words of tenants, none of which may stand in what the platform keeps. */
const tenantContent = /Briefs are stuck|They never leave/u;

export interface PlatformRulesParts {
  readonly organizationDisk: (organizationId: string) => Disk | undefined;
  readonly report: (problem: string) => void;
}

export class PlatformRules {
  readonly #parts: PlatformRulesParts;
  #lastSeq = 0;
  #writes = -1;

  constructor(parts: PlatformRulesParts) {
    this.#parts = parts;
  }

  /** Reads the events that the platform has just stored. */
  committed(host: ObjectHost): void {
    const { report } = this.#parts;
    const { disk } = host;
    const writes = disk.writesTo("platform_events");
    if (writes === this.#writes) return;
    this.#writes = writes;
    const rows = disk.query<{ event: string }>(
      "SELECT event FROM platform_events WHERE seq > ? ORDER BY seq",
      this.#lastSeq,
    );
    for (const { event: text } of rows) {
      if (tenantContent.test(text)) report("the platform tells of a tenant's content");
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the platform's log writes this column, from events
      const event = JSON.parse(text) as PlatformEvent;
      if (event.seq !== this.#lastSeq + 1) report(`the platform's event ${event.seq} follows ${this.#lastSeq}`);
      this.#lastSeq = event.seq;
      if (event.type === "slot.offered") this.#lookAtOffer(host, event.data.organizationId, event.atMs);
    }
  }

  /** Whoever is offered a slot knows of every switch that may hold his work; under debug there is one slot. */
  #lookAtOffer({ disk }: ObjectHost, organizationId: string, atMs: number): void {
    const { organizationDisk, report } = this.#parts;
    const ofOrganization = organizationDisk(organizationId);
    if (ofOrganization === undefined) return;
    const inForce = switchesOnPlatform(disk).filter((candidate) => !isOver(candidate, atMs));
    const known = new Set(termsOn(ofOrganization)?.switches.map(({ id }) => id));
    for (const { id, mode, scope } of inForce) {
      const isForAll = scope.kind !== "organization" || scope.value === organizationId;
      if (isForAll && (mode === "debug" || holdingModes.includes(mode)) && !known.has(id))
        report(`${organizationId} is offered a slot before it knows of ${mode} ${id}`);
    }
    const isDebugged = inForce.some(({ mode, scope }) => mode === "debug" && scope.kind === "platform");
    const [slots] = disk.query<{ n: number }>("SELECT COUNT(*) AS n FROM slots");
    const taken = slots?.n ?? 0;
    if (isDebugged && taken > 1) report(`${taken} slots are given away while the platform is debugged`);
  }
}

/** Whether a switch of the platform that is in force keeps the work from starting. */
export function isHeldByPlatform(
  platform: ObjectHost,
  work: { readonly organizationId: string; readonly agentType: string | null; readonly model: string | null },
): boolean {
  const nowMs = platform.nowMs();
  return switchesOnPlatform(platform.disk).some(
    (candidate) => holdingModes.includes(candidate.mode) && !isOver(candidate, nowMs) && concerns(candidate, work),
  );
}

/** Whether a switch of the platform that is in force keeps the organization's pull requests back. */
export function holdsPullRequests(platform: ObjectHost, organizationId: string): boolean {
  const nowMs = platform.nowMs();
  const isOff = switchesOnPlatform(platform.disk).some(
    (candidate) => candidate.scope.kind === "feature" && !isOver(candidate, nowMs),
  );
  return isOff || isHeldByPlatform(platform, { organizationId, agentType: null, model: null });
}
