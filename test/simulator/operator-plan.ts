/** What platform administrators do in a run: switches, and settings of organizations. */
import type { AdminCommand, SetSwitch } from "../../src/contracts/platform-rpc.ts";
import type { SwitchMode, SwitchScope } from "../../src/contracts/switches.ts";
import type { Tier } from "../../src/contracts/terms.ts";
import type { Chance } from "./chance.ts";

export type PlannedAct =
  | {
      readonly kind: "switch";
      readonly afterMs: number;
      readonly scope: SetSwitch["scope"];
      readonly mode: SwitchMode;
      /** When it ends by itself; null when somebody removes it, or nobody does. */
      readonly forMs: number | null;
      readonly removedAfterMs: number | null;
    }
  | {
      readonly kind: "administer";
      readonly afterMs: number;
      readonly action: AdminCommand["action"];
      readonly scope: AdminCommand["scope"];
    };

export interface PlannedSettings {
  readonly afterMs: number;
  readonly tier: Tier | null;
  readonly isBound: boolean;
  /** What replaces the tier's limits; null where they hold. */
  readonly concurrentJobs: number | null;
  readonly weight: number | null;
  /** So little that some of the work may not be done. */
  readonly dailyBudgetMicroUsd: number | null;
  readonly monthlyBudgetMicroUsd: number | null;
  /** How long the replaced limits hold; null for ever. */
  readonly overridesForMs: number | null;
}

type AdministeredScope = AdminCommand["scope"];

function administeredScope(chance: Chance, organizationIds: readonly string[]): AdministeredScope {
  const value = organizationIds[chance.between(0, organizationIds.length - 1)];
  return value === undefined || chance.happens(0.4) ? { kind: "platform" } : { kind: "organization", value };
}

const narrowScopes: readonly [SwitchScope, ...SwitchScope[]] = [
  { kind: "agent", value: "meta.research" },
  { kind: "agent", value: "meta.triage" },
  { kind: "module", value: "meta" },
  { kind: "model", value: "haiku" },
  { kind: "model", value: "sonnet" },
  { kind: "feature", value: "pull_requests" },
];

function switchScope(chance: Chance, organizationIds: readonly string[]): SwitchScope {
  if (chance.happens(0.6)) return administeredScope(chance, organizationIds);
  return chance.pick(narrowScopes);
}

function planSwitch(chance: Chance, organizationIds: readonly string[], afterMs: number): PlannedAct {
  const scope = switchScope(chance, organizationIds);
  const mode = scope.kind === "feature" ? "off" : chance.pick(["hold", "drain", "abort", "refuse", "debug"]);
  const isTimed = chance.happens(0.7);
  return {
    kind: "switch",
    afterMs,
    scope,
    mode,
    forMs: isTimed ? chance.between(1_000, 60_000) : null,
    removedAfterMs: isTimed || chance.happens(0.2) ? null : chance.between(1_000, 60_000),
  };
}

function planActions(chance: Chance, organizationIds: readonly string[], afterMs: number): readonly PlannedAct[] {
  const scope = administeredScope(chance, organizationIds);
  const later = afterMs + chance.between(1_000, 60_000);
  const courses: readonly [readonly AdminCommand["action"][], ...(readonly AdminCommand["action"][])[]] = [
    ["pause", "resume"],
    ["pause", "resume"],
    ["drain", "resume"],
    ["clear"],
    ["pause", "clear"],
    ["pause"],
  ];
  return chance
    .pick(courses)
    .map((action, index) => ({ kind: "administer", afterMs: index === 0 ? afterMs : later, action, scope }));
}

/** What operators do until `untilMs`; nothing in most runs, so that their other faults are not hidden. */
export function planActs(chance: Chance, organizationIds: readonly string[], untilMs: number): readonly PlannedAct[] {
  if (chance.happens(0.6)) return [];
  return Array.from({ length: chance.between(1, 3) }, () => {
    const afterMs = chance.between(0, untilMs);
    return chance.happens(0.5)
      ? [planSwitch(chance, organizationIds, afterMs)]
      : planActions(chance, organizationIds, afterMs);
  }).flat();
}

export function planSettings(chance: Chance, afterMs: number, isBound: boolean): PlannedSettings {
  const isPoor = (): boolean => chance.happens(0.07);
  return {
    afterMs,
    tier: chance.pick([null, "free", "pro", "enterprise"]),
    isBound,
    concurrentJobs: chance.happens(0.8) ? chance.between(1, 3) : null,
    weight: chance.happens(0.8) ? chance.pick([1, 3, 10]) : null,
    dailyBudgetMicroUsd: isPoor() ? chance.between(2_000, 12_000) : null,
    monthlyBudgetMicroUsd: isPoor() ? chance.between(2_000, 12_000) : null,
    overridesForMs: chance.happens(0.2) ? chance.between(1_000, 120_000) : null,
  };
}
