/** Which switches hold what, worked out apart from the code under test. */
import type { JobRecord } from "../../src/contracts/records.ts";
import type { Switch, SwitchMode } from "../../src/contracts/switches.ts";
import type { Terms } from "../../src/contracts/terms.ts";
import type { Disk } from "./disk.ts";

export type SwitchedWork = Pick<JobRecord, "organizationId"> & {
  readonly agentType: string | null;
  readonly model: string | null;
};

/** Modes that keep a job from starting. */
export const holdingModes: readonly SwitchMode[] = ["hold", "drain", "abort"];

/** The terms that an organization goes by; null for the defaults, which have no switch. */
export function termsOn(disk: Disk): Terms | null {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the object writes this key, and writes this type
  return (disk.read("terms") ?? null) as Terms | null;
}

export function switchesOnPlatform(disk: Disk): readonly Switch[] {
  return disk.query<{ switch: string }>("SELECT switch FROM switches").map(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the object writes this column, and writes this type
    (row) => JSON.parse(row.switch) as Switch,
  );
}

export function isOver({ expiresAtMs }: Switch, nowMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= nowMs;
}

export function concerns({ scope }: Switch, { organizationId, agentType, model }: SwitchedWork): boolean {
  switch (scope.kind) {
    case "platform":
      return true;
    case "organization":
      return scope.value === organizationId;
    case "agent":
      return scope.value === agentType;
    case "module":
      return agentType?.startsWith(`${scope.value}.`) === true;
    case "model":
      return scope.value === model;
    case "job":
    case "tool":
    case "feature":
  }
  return false;
}

/** Those of some modes that are in force and concern the work. */
export function switchesFor(
  switches: readonly Switch[],
  modes: readonly SwitchMode[],
  work: SwitchedWork,
  nowMs: number,
): readonly Switch[] {
  return switches.filter(
    (candidate) => modes.includes(candidate.mode) && !isOver(candidate, nowMs) && concerns(candidate, work),
  );
}
