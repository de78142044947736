import type { HealthSample } from "../contracts/platform-rpc.ts";
import { runChecks } from "../core/checks.ts";
import { describeError } from "../core/errors.ts";
import type { CronPorts } from "./ports.ts";

const checkMaxMs = 10_000;

/**
 * Checks database, platform object and, where configured, GitHub; keeps the sample in the platform's health history, and
 * wakes busy organizations that have been silent for too long. Throws when the platform object is out of reach.
 */
export async function checkHealth(ports: CronPorts): Promise<HealthSample> {
  const { pingGitHub } = ports;
  const platform = ports.objects.platform();
  const run = await runChecks(
    {
      database: () => ports.database.ping(),
      platform: async () => {
        await platform.readStatus();
      },
      ...(pingGitHub === null ? {} : { github: pingGitHub }),
    },
    {
      clock: ports.clock,
      maxMs: checkMaxMs,
      onFailure: (check, error) => ports.log.error("health check failed", { check, error: describeError(error) }),
    },
  );
  const sample: HealthSample = { atMs: ports.clock.nowMs(), healthy: run.healthy, checks: run.results };
  await platform.recordHealth(sample);
  const woken = await platform.wakeOverdue(ports.overdueAfterMs);
  ports.log.info("health checked", { healthy: sample.healthy, woken });
  return sample;
}
