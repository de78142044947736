/** What one job may use at most, over all its attempts and slices. */
import type { JobRecord, JsonValue } from "./records.ts";

export interface JobCeilings {
  readonly steps: number;
  /** Of all its model calls, cached or not. */
  readonly tokens: number;
  /** Time in which a slice of it runs; waiting does not count. */
  readonly runningMs: number;
  readonly costMicroUsd: number;
}

export const defaultCeilings: JobCeilings = {
  steps: 60,
  tokens: 10_000_000,
  runningMs: 45 * 60_000,
  costMicroUsd: 5_000_000,
};

/** `config` of a job whose submission said what a job of it may cost. */
const maxCostKey = "maxCostMicroUsd";

type JobConfig = JobRecord["config"];

/** The part of a job's `config` that holds its own cost ceiling; empty when the submission named none. */
export function costCeilingConfig(maxCostMicroUsd: number | null): Readonly<Record<string, JsonValue>> {
  return maxCostMicroUsd === null ? {} : { [maxCostKey]: maxCostMicroUsd };
}

/** The cost ceiling that the submission named, in micro-dollars; null when it named none. */
export function askedMaxCostMicroUsd(config: JobConfig): number | null {
  const asked = config[maxCostKey];
  return typeof asked === "number" ? asked : null;
}

/**
 * The ceilings of a job from those of its agent. The submission's cost ceiling replaces that of the work; for the
 * system's own agents it only lowers theirs.
 */
export function jobCeilings(agent: JobCeilings, job: Pick<JobRecord, "role" | "config">): JobCeilings {
  const asked = askedMaxCostMicroUsd(job.config);
  if (asked === null) return agent;
  return { ...agent, costMicroUsd: job.role === "work" ? asked : Math.min(asked, agent.costMicroUsd) };
}
