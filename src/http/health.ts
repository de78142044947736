/** The health that anyone may ask for: fixed words and counts, no tenant and no secret, at most one run every 10 s. */
import type { z } from "zod";
import type { healthSchema } from "../contracts/http-views.ts";
import type { PlatformStatus } from "../contracts/platform-rpc.ts";
import { runChecks } from "../core/checks.ts";
import { isoTime } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { AppPorts } from "./ports.ts";

const validMs = 10_000;
const checkMaxMs = 2_000;

export type HealthView = z.infer<typeof healthSchema>;
type HealthPorts = Pick<
  AppPorts,
  "objects" | "database" | "integrations" | "settingSwitches" | "release" | "clock" | "log"
>;

function onOrOff(isOn: boolean): "on" | "off" {
  return isOn ? "on" : "off";
}

async function computeHealth(ports: HealthPorts): Promise<HealthView> {
  let status: PlatformStatus | null = null;
  const run = await runChecks(
    {
      database: () => ports.database.ping(),
      platform: async () => {
        status = await ports.objects.platform().readStatus();
      },
    },
    {
      clock: ports.clock,
      maxMs: checkMaxMs,
      onFailure: (check, error) => ports.log.warn("health check failed", { check, error: describeError(error) }),
    },
  );
  return healthView(ports, run, status);
}

function healthView(
  ports: HealthPorts,
  run: Awaited<ReturnType<typeof runChecks>>,
  status: PlatformStatus | null,
): HealthView {
  const integrations = Object.entries(ports.integrations).map(([name, isOn]) => [name, onOrOff(isOn)] as const);
  return {
    status: run.healthy ? "healthy" : "degraded",
    version: ports.release.version,
    checkedAt: isoTime(ports.clock.nowMs()),
    checks: { ...run.results },
    integrations: Object.fromEntries(integrations),
    submissions: onOrOff(!ports.settingSwitches.some(({ mode }) => mode === "refuse")),
    slots:
      status === null
        ? null
        : { total: status.globalSlots, inUse: status.slotsInUse, organizationsWaiting: status.organizationsWaiting },
  };
}

/** One isolate's health. While a run is under way the last answer is given, so that callers never queue up. */
export class HealthMonitor {
  readonly #ports: HealthPorts;
  #startedAtMs = 0;
  #last: HealthView | null = null;

  constructor(ports: HealthPorts) {
    this.#ports = ports;
  }

  async read(): Promise<HealthView> {
    const nowMs = this.#ports.clock.nowMs();
    if (this.#last !== null && nowMs - this.#startedAtMs < validMs) return this.#last;
    this.#startedAtMs = nowMs;
    this.#last = await computeHealth(this.#ports);
    return this.#last;
  }
}
