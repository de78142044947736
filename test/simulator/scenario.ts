/** What happens in a run besides its faults; everything follows from the seed. */
import type { IssueCommandName, IssuePriority } from "../../src/contracts/status.ts";
import type { Chance } from "./chance.ts";

export interface PlannedCommand {
  readonly afterMs: number;
  readonly command: IssueCommandName;
}

export interface PlannedIssue {
  readonly submittedAfterMs: number;
  readonly priority: IssuePriority;
  readonly namesAgent: boolean;
  /** Sent with an idempotency key: repeated until it is answered, and one issue all the same. Null without. */
  readonly key: string | null;
  /** For how long it may not start; null when it may at once. */
  readonly waitsMs: number | null;
  readonly concurrencyKey: string | null;
  /** What people ask of it on the way, in this order. */
  readonly commands: readonly PlannedCommand[];
}

export interface PlannedOrganization {
  readonly id: string;
  readonly concurrentJobs: number;
  readonly weight: number;
  /** So little that some of its work may not be done. */
  readonly dailyBudgetMicroUsd: number;
  readonly isBound: boolean;
  readonly issues: readonly PlannedIssue[];
  /** Another limit that a platform administrator sets on the way; null for none. */
  readonly newLimit: { readonly afterMs: number; readonly concurrentJobs: number } | null;
}

export interface Scenario {
  readonly startMs: number;
  readonly faultsForMs: number;
  readonly globalSlots: number;
  readonly organizations: readonly PlannedOrganization[];
  readonly evictionsAfterMs: readonly number[];
  readonly leaps: readonly { readonly afterMs: number; readonly durationMs: number }[];
  readonly hasCron: boolean;
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

function planCommands(chance: Chance): readonly PlannedCommand[] {
  const afterMs = (): number => chance.between(1_000, 40_000);
  if (chance.happens(0.75)) return [];
  const courses: readonly [readonly IssueCommandName[], ...(readonly IssueCommandName[])[]] = [
    ["cancel"],
    ["cancel", "retry"],
    ["pause"],
    ["pause", "resume"],
    ["pause", "cancel"],
    ["retry", "retry"],
  ];
  return chance.pick(courses).map((command) => ({ afterMs: afterMs(), command }));
}

function planOrganization(chance: Chance, index: number, faultsForMs: number): PlannedOrganization {
  return {
    id: `org-${index}`,
    concurrentJobs: chance.between(1, 3),
    weight: chance.pick([1, 3, 10]),
    dailyBudgetMicroUsd: chance.happens(0.1) ? chance.between(2_000, 12_000) : 1_000_000,
    isBound: chance.happens(0.7),
    issues: listOf(few(chance), (issue) => ({
      submittedAfterMs: chance.between(0, faultsForMs / 2),
      priority: chance.pick(["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
      namesAgent: chance.happens(0.4),
      key: chance.happens(0.5) ? `key-${issue}` : null,
      waitsMs: chance.happens(0.15) ? chance.between(1_000, 5 * 60_000) : null,
      concurrencyKey: chance.happens(0.2) ? "record" : null,
      commands: planCommands(chance),
    })),
    newLimit: chance.happens(0.3)
      ? { afterMs: chance.between(1_000, faultsForMs), concurrentJobs: chance.between(1, 3) }
      : null,
  };
}

export function planScenario(chance: Chance): Scenario {
  const faultsForMs = chance.between(20_000, 90_000);
  const within = (): number => chance.between(0, faultsForMs);
  return {
    startMs: firstStartMs + chance.between(0, dayMs),
    faultsForMs,
    globalSlots: chance.between(1, 4),
    organizations: listOf(few(chance), (index) => planOrganization(chance, index, faultsForMs)),
    evictionsAfterMs: listOf(chance.between(0, 4), within),
    leaps: listOf(chance.happens(0.3) ? chance.between(1, 2) : 0, () => ({
      afterMs: within(),
      durationMs: chance.between(1_000, 120_000),
    })),
    hasCron: chance.happens(0.5),
  };
}
