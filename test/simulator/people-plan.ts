/** What people do with an issue on its way: commands, messages, and the replay of what it came to. */
import type { ReplayOrder } from "../../src/contracts/organization-rpc.ts";
import type { IssueCommandName } from "../../src/contracts/status.ts";
import type { Chance } from "./chance.ts";

export interface PlannedCommand {
  readonly afterMs: number;
  readonly command: IssueCommandName;
  /** Where a retry replays the issue's work from. */
  readonly replay?: ReplayOrder;
}

export interface PlannedMessage {
  readonly afterMs: number;
  /** Sent with an idempotency key: repeated until it is answered, and said once all the same. */
  readonly hasKey: boolean;
}

/** What the agent that works on an issue has to ask before it can go on. */
export interface PlannedQuestion {
  readonly choices: readonly string[];
  readonly defaultAnswer: string | null;
}

function planReplay(chance: Chance): PlannedCommand {
  const model = chance.happens(0.3) ? chance.pick(["haiku", "sonnet"]) : null;
  const note = chance.happens(0.3) ? "Look again." : null;
  const replay = { fromStep: chance.between(1, 2), jobId: null, attempt: null, model, note };
  return { afterMs: chance.between(10_000, 120_000), command: "retry", replay };
}

export function planCommands(chance: Chance): readonly PlannedCommand[] {
  const afterMs = (): number => chance.between(1_000, 40_000);
  if (chance.happens(0.7)) return [];
  const courses: readonly [readonly IssueCommandName[], ...(readonly IssueCommandName[])[]] = [
    ["cancel"],
    ["cancel", "retry"],
    ["pause"],
    ["pause", "resume"],
    ["pause", "cancel"],
    ["retry", "retry"],
    [],
    [],
  ];
  const commands = chance.pick(courses).map((command) => ({ afterMs: afterMs(), command }));
  const replays = commands.length === 0 || chance.happens(0.2) ? chance.between(1, 2) : 0;
  return [...commands, ...Array.from({ length: replays }, () => planReplay(chance))];
}

/** What a person says to the agent, in this order, each so long after the one before. */
export function planMessages(chance: Chance): readonly PlannedMessage[] {
  if (chance.happens(0.75)) return [];
  return Array.from({ length: chance.between(1, 4) }, () => ({
    afterMs: chance.pick([0, chance.between(1, 500), chance.between(1_000, 20_000)]),
    hasKey: chance.happens(0.6),
  }));
}

export function planQuestion(chance: Chance): PlannedQuestion | null {
  if (chance.happens(0.85)) return null;
  const choices = chance.happens(0.5) ? ["yes", "no"] : [];
  return { choices, defaultAnswer: chance.happens(0.6) ? "no" : null };
}

/** How long something waits for a person, by turns so that it is over during the faults, after them, or weeks later. */
export function planWaiting(chance: Chance): number {
  const minuteMs = 60_000;
  return chance.pick([chance.between(10_000, 2 * minuteMs), 10 * minuteMs, 7 * 24 * 60 * minuteMs]);
}
