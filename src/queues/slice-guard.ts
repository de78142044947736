/** Watches over a running slice: its lease, its object's signals, its time. Ends it by one abort signal. */
import { describeError } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { SliceAborted } from "../agents/stops.ts";
import type { ControlQuery, ControlSignal, EpochRef, OrganizationRpc } from "../contracts/organization-rpc.ts";
import type { Timings } from "../contracts/timings.ts";
import { keepLease } from "./lease.ts";
import { pause } from "./pause.ts";

export interface SliceGuard {
  /** Aborted with a `SliceAborted` when the slice has to end. */
  readonly signal: AbortSignal;
  /** What the object wants at the next checkpoint; null when the slice may go on. */
  pendingStop(): "yielded" | "paused" | null;
  /** Ends the watch; resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

export interface GuardedSlice {
  /** Called for every RPC anew: a client is of no use after its object was restarted. */
  readonly organization: () => Pick<OrganizationRpc, "renewLease" | "control">;
  readonly ref: EpochRef;
  readonly timings: Timings;
  readonly clock: Clock;
  readonly logger: Logger;
}

function whenAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}

/** A slice that cannot hear its object for long would not end in time when it is cancelled. */
const maxDeafMs = 1_000;

/** Keeps one waiting `control` call open until the watch ends, and hands on every signal that is news. */
async function listen(
  slice: GuardedSlice,
  until: AbortSignal,
  onSignal: (signal: ControlSignal["kind"]) => void,
): Promise<void> {
  const ended = whenAborted(until);
  let known: ControlQuery["known"] = "none";
  while (!until.aborted) {
    try {
      const said: ControlSignal | null = await Promise.race([
        slice.organization().control({ ...slice.ref, known }),
        ended,
      ]);
      if (said === null || said.kind === known) continue;
      onSignal(said.kind);
      if (said.kind === "none" || said.kind === "pause" || said.kind === "yield") known = said.kind;
    } catch (error) {
      slice.logger.warn("control call failed", { error: describeError(error) });
      await pause(Math.min(slice.timings.heartbeatMs, maxDeafMs), until);
    }
  }
}

const pendingStops = { none: null, pause: "paused", yield: "yielded" } as const;

/** Starts the watch over a slice that has just been claimed. */
export function guardSlice(slice: GuardedSlice): SliceGuard {
  const { timings, clock, logger } = slice;
  const work = new AbortController();
  const closed = new AbortController();
  const until = AbortSignal.any([work.signal, closed.signal]);
  const end = (stop: SliceAborted["stop"], message: string): void => {
    if (until.aborted) return;
    logger.warn("slice aborted", { stop, why: message });
    work.abort(new SliceAborted(stop, message));
  };

  const renew = (): ReturnType<OrganizationRpc["renewLease"]> => slice.organization().renewLease(slice.ref);
  const watchLease = async (): Promise<void> => {
    if ((await keepLease({ renew, timings, clock, logger, until })) === "lost") end("stale", "the lease is lost");
  };
  let pendingStop: ReturnType<SliceGuard["pendingStop"]> = null;
  const heed = (signal: ControlSignal["kind"]): void => {
    switch (signal) {
      case "stale":
        return end("stale", "another slice holds the job");
      case "cancel":
      case "abort":
        return end("cancelled", "the job is cancelled");
      case "none":
      case "pause":
      case "yield":
        pendingStop = pendingStops[signal];
    }
  };
  const watchTime = async (): Promise<void> => {
    if (await pause(timings.sliceAbortMs, until)) end("yielded", "the slice's time is over");
  };
  const watches = Promise.all([watchLease(), listen(slice, until, heed), watchTime()]);
  return {
    signal: work.signal,
    pendingStop: () => pendingStop,
    close: async () => {
      closed.abort();
      await watches;
    },
  };
}
