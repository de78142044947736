/** Breakers: a model that answers nobody starts no jobs until one of them has got an answer again. */
import type { ModelName } from "./models.ts";
import type { Switch } from "./switches.ts";

/** A breaker that is not closed. `half_open`: an organization may try with one job at a time. */
export interface Breaker {
  readonly model: ModelName;
  readonly status: "open" | "half_open";
  /** Since when the model has been out of reach. */
  readonly sinceMs: number;
  /** When it is tried again, while it is open. */
  readonly probeAtMs: number;
}

/** What slices saw of a model since the last report of their organization; nothing of what they said to it. */
export interface ModelReport {
  readonly organizationId: string;
  readonly model: ModelName;
  readonly faults: number;
  readonly answers: number;
  /** How long the provider asked to be left alone; null when it did not. */
  readonly retryAfterMs: number | null;
}

const breakerIdPrefix = "breaker:";

/** What a breaker means for work: the same as a switch over the model, a hold while it is open. */
export function breakerSwitch({ model, status, sinceMs }: Breaker): Switch {
  return {
    id: `${breakerIdPrefix}${model}`,
    scope: { kind: "model", value: model },
    mode: status === "open" ? "hold" : "debug",
    actor: { kind: "platform", name: "breaker" },
    reason: `The provider of ${model} is out of reach.`,
    createdAtMs: sinceMs,
    expiresAtMs: null,
  };
}

export function isBreakerSwitch({ id }: Pick<Switch, "id">): boolean {
  return id.startsWith(breakerIdPrefix);
}
