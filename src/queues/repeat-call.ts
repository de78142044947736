import pRetry from "p-retry";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";

const repetitions = 4;
const firstWaitMs = 200;

/**
 * Makes a call that may be repeated without harm, up to five times within a few seconds: an object that is just being
 * restarted answers the next one. Throws the last error, or the signal's reason when aborted.
 */
export function repeatCall<Value>(call: () => Promise<Value>, logger: Logger, signal?: AbortSignal): Promise<Value> {
  return pRetry(call, {
    retries: repetitions,
    minTimeout: firstWaitMs,
    randomize: true,
    ...(signal && { signal }),
    onFailedAttempt: ({ error, attemptNumber }) =>
      logger.warn("call to an object failed", { attempt: attemptNumber, error: describeError(error) }),
  });
}
