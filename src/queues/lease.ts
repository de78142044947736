/** Keeps a lease alive while work goes on, and says when it is lost. */
import pTimeout from "p-timeout";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { EpochAnswer } from "../contracts/organization-rpc.ts";
import type { Timings } from "../contracts/timings.ts";
import { pause } from "./pause.ts";

export interface LeaseWork {
  readonly renew: () => Promise<EpochAnswer>;
  readonly timings: Pick<Timings, "leaseMs" | "heartbeatMs">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the keeping. */
  readonly until: AbortSignal;
}

/**
 * Renews every heartbeat until `until`. Answers `lost` when a renewal is refused, or when none was accepted for one
 * lease; the lease counts from when an accepted renewal was sent.
 */
export async function keepLease({ renew, timings, clock, logger, until }: LeaseWork): Promise<"lost" | "ended"> {
  let heldUntilMs = clock.nowMs() + timings.leaseMs;
  while (await pause(timings.heartbeatMs, until)) {
    const sentAtMs = clock.nowMs();
    try {
      const answer = await pTimeout(renew(), { milliseconds: timings.heartbeatMs, signal: until });
      if (!answer.accepted) return "lost";
      heldUntilMs = sentAtMs + timings.leaseMs;
    } catch (error) {
      if (until.aborted) return "ended";
      logger.warn("lease not renewed", { error: describeError(error), leftMs: heldUntilMs - clock.nowMs() });
      if (clock.nowMs() >= heldUntilMs) return "lost";
    }
  }
  return "ended";
}
