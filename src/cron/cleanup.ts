import type { CronPorts } from "./ports.ts";

/** Deletes the logs and steps whose time is over. Throws when Postgres cannot be reached; the next night does it then. */
export async function cleanUp(ports: CronPorts): Promise<void> {
  const retention = await ports.retention();
  const { logs, steps } = await retention.deleteExpired({ nowMs: ports.clock.nowMs() });
  ports.log.info("cleaned up", { logs, steps });
}
