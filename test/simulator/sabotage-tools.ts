/** What the sabotaged runs have in common: how a call is spoiled, and a scenario made to need what is spoiled. */
import type { SwitchMode, SwitchScope } from "../../src/contracts/switches.ts";
import type { ObjectHost } from "./object-host.ts";
import type { PlannedAct } from "./operator-plan.ts";
import { runSeed } from "./run-seed.ts";
import { seedsFrom } from "./run-seeds.ts";
import { noSabotage, type Sabotage } from "./sabotage.ts";
import type { PlannedIssue, Scenario } from "./scenario.ts";

export const honest = noSabotage.carryOut;

/** Whether the sabotage is noticed in one of some seeds, in these words; else what was said first. */
export async function noticed(sabotage: Partial<Sabotage>, words: RegExp, seeds = 60): Promise<true | string> {
  let said = "nothing was noticed";
  for (const seed of seedsFrom(1, seeds)) {
    const { problems } = await runSeed(seed, { ...noSabotage, ...sabotage });
    if (problems.some((problem) => words.test(problem))) return true;
    said = problems[0] ?? said;
  }
  return said;
}

/** A command with another value in one place. */
export function replaced(command: unknown, name: string, value: unknown): object {
  return { ...(typeof command === "object" ? command : {}), [name]: value };
}

/** Carries calls out honestly, and then does something to the object that some of them went to. */
export function afterwards(methods: readonly string[], act: (host: ObjectHost) => unknown): Sabotage["carryOut"] {
  return async (host, method, command) => {
    const answer = await honest(host, method, command);
    if (methods.includes(method)) act(host);
    return answer;
  };
}

/** An organization that forgets, while it carries a method out, the switches that it knows of. */
export function withoutSwitches(of: string): Sabotage["carryOut"] {
  return async (host, method, command) => {
    const terms = host.disk.read("terms");
    if (method !== of || terms === undefined) return honest(host, method, command);
    const blind = replaced(terms, "switches", []);
    host.evict();
    host.disk.put("terms", blind);
    return honest(host, method, method === "submit" ? replaced(command, "terms", blind) : command).finally(() => {
      host.evict();
      host.disk.put("terms", terms);
    });
  };
}

/** Changes every scenario, so that what is broken is used. */
export function inScenarios(change: (scenario: Scenario) => Partial<Scenario>): { readonly shape: Sabotage["shape"] } {
  return { shape: (scenario) => ({ ...scenario, ...change(scenario) }) };
}

export function withIssues(change: Partial<PlannedIssue>): { readonly shape: Sabotage["shape"] } {
  return inScenarios(({ organizations }) => ({
    organizations: organizations.map((organization) => ({
      ...organization,
      issues: organization.issues.map((issue) => ({ ...issue, ...change })),
    })),
  }));
}

/** Operators do this alone, early. */
export function withAct(act: PlannedAct): { readonly shape: Sabotage["shape"] } {
  return inScenarios(() => ({ acts: [act] }));
}

/** A switch that somebody sets early, and that nobody removes. */
export function withSwitch(mode: SwitchMode, scope: SwitchScope = { kind: "platform" }, forMs: number | null = null) {
  return withAct({ kind: "switch", afterMs: 5_000, scope, mode, forMs, removedAfterMs: null });
}
