/** Ways to break the system on purpose, so that it can be shown that a run notices. */
import type { ProjectionPort } from "../../src/contracts/ports.ts";
import type { ObjectHost } from "./object-host.ts";
import type { Scenario } from "./scenario.ts";

export interface Sabotage {
  /** Settings of the objects besides their defaults. */
  readonly settings: Readonly<Record<string, string>>;
  /** Carries a call out, or something else in its place. */
  readonly carryOut: (host: ObjectHost, method: string, command: unknown) => Promise<unknown>;
  /** The scenario, or one in which what is broken is used more. */
  readonly shape: (scenario: Scenario) => Scenario;
  readonly projection: (honest: ProjectionPort) => ProjectionPort;
}

export const noSabotage: Sabotage = {
  settings: {},
  carryOut: (host, method, command) => host.call(method, command),
  shape: (scenario) => scenario,
  projection: (honest) => honest,
};
