/** Which scheduled work belongs to which Cron Trigger of `wrangler.toml`. */
import { newId } from "../core/ids.ts";
import { cleanUp } from "./cleanup.ts";
import { checkHealth } from "./health-check.ts";
import type { CronPorts } from "./ports.ts";

const schedule: Readonly<Record<string, (ports: CronPorts) => Promise<unknown>>> = {
  "*/5 * * * *": checkHealth,
  "0 3 * * *": cleanUp,
};

/** The Cron Triggers that have work here. */
export const cronExpressions: readonly string[] = Object.keys(schedule);

/** Runs the work of one Cron Trigger. Throws for an expression that has none, and whatever the work throws. */
export async function runCron(ports: CronPorts, cronExpression: string): Promise<void> {
  const work = schedule[cronExpression];
  if (work === undefined) throw new Error(`no work is scheduled for the Cron Trigger "${cronExpression}"`);
  const log = ports.log.with({ cron: cronExpression, correlationId: newId("request", ports.clock.nowMs()) });
  await work({ ...ports, log });
}
