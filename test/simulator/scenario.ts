/** What happens in a run besides its faults; everything follows from the seed. */
import type { IssuePriority } from "../../src/contracts/status.ts";
import type { Chance } from "./chance.ts";
import { planActs, type PlannedAct, type PlannedSettings, planSettings } from "./operator-plan.ts";
import {
  planCommands,
  type PlannedCommand,
  type PlannedMessage,
  type PlannedQuestion,
  planMessages,
  planQuestion,
  planWaiting,
} from "./people-plan.ts";

export interface PlannedIssue {
  readonly submittedAfterMs: number;
  readonly priority: IssuePriority;
  readonly namesAgent: boolean;
  /** Sent with an idempotency key: repeated until it is answered, and one issue all the same. Null without. */
  readonly key: string | null;
  /** For how long it may not start; null when it may at once. */
  readonly waitsMs: number | null;
  /** After how long it is no longer wanted; null when it always is. */
  readonly expiresAfterMs: number | null;
  readonly concurrencyKey: string | null;
  readonly maxCostMicroUsd: number | null;
  /** What people ask of it on the way, in this order. */
  readonly commands: readonly PlannedCommand[];
  readonly messages: readonly PlannedMessage[];
  readonly question: PlannedQuestion | null;
}

export interface PlannedOrganization {
  readonly id: string;
  /** What a platform administrator sets up, in this order. */
  readonly settings: readonly PlannedSettings[];
  readonly issues: readonly PlannedIssue[];
}

export interface Scenario {
  readonly startMs: number;
  readonly faultsForMs: number;
  readonly globalSlots: number;
  readonly organizations: readonly PlannedOrganization[];
  readonly acts: readonly PlannedAct[];
  readonly evictionsAfterMs: readonly number[];
  readonly leaps: readonly { readonly afterMs: number; readonly durationMs: number }[];
  readonly hasCron: boolean;
  readonly reviewExpiresAfterMs: number;
  readonly questionExpiresAfterMs: number;
}

const firstStartMs = Date.UTC(2026, 10, 2);
const dayMs = 24 * 60 * 60_000;

function listOf<Entry>(count: number, make: (index: number) => Entry): readonly Entry[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** One to four, few more often than many. */
function few(chance: Chance): number {
  return Math.min(chance.between(1, 4), chance.between(1, 4));
}

/** Past the end of every run. */
const farOffMs = 6 * 60 * 60_000;

function planIssue(chance: Chance, index: number, faultsForMs: number): PlannedIssue {
  return {
    submittedAfterMs: chance.between(0, faultsForMs / 2),
    priority: chance.pick(["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
    namesAgent: chance.happens(0.4),
    key: chance.happens(0.5) ? `key-${index}` : null,
    waitsMs: chance.happens(0.15) ? chance.pick([chance.between(1_000, 5 * 60_000), farOffMs]) : null,
    expiresAfterMs: chance.happens(0.1) ? chance.between(5_000, 120_000) : null,
    concurrencyKey: chance.happens(0.25) ? chance.pick(["record-a", "record-b"]) : null,
    maxCostMicroUsd: chance.happens(0.04) ? chance.between(1_000, 4_000) : null,
    commands: planCommands(chance),
    messages: planMessages(chance),
    question: planQuestion(chance),
  };
}

function planOrganization(chance: Chance, index: number, faultsForMs: number): PlannedOrganization {
  const isBound = chance.happens(0.7);
  const changesAfterMs = listOf(chance.happens(0.35) ? chance.between(1, 2) : 0, () =>
    chance.between(1_000, faultsForMs),
  ).toSorted((left, right) => left - right);
  return {
    id: `org-${index}`,
    settings: [0, ...changesAfterMs].map((afterMs) => planSettings(chance, afterMs, isBound)),
    issues: listOf(few(chance), (issue) => planIssue(chance, issue, faultsForMs)),
  };
}

export function planScenario(chance: Chance): Scenario {
  const faultsForMs = chance.between(20_000, 90_000);
  const within = (): number => chance.between(0, faultsForMs);
  const organizations = listOf(few(chance), (index) => planOrganization(chance, index, faultsForMs));
  const organizationIds = organizations.map(({ id }) => id);
  return {
    startMs: firstStartMs + chance.between(0, dayMs),
    faultsForMs,
    globalSlots: chance.between(1, 4),
    organizations,
    acts: planActs(chance, organizationIds, faultsForMs),
    evictionsAfterMs: listOf(chance.between(0, 4), within),
    leaps: listOf(chance.happens(0.3) ? chance.between(1, 2) : 0, () => ({
      afterMs: within(),
      durationMs: chance.between(1_000, 120_000),
    })),
    hasCron: chance.happens(0.5),
    reviewExpiresAfterMs: planWaiting(chance),
    questionExpiresAfterMs: planWaiting(chance),
  };
}
