/** Runs named health checks side by side; what a check says is a fixed word, never an error's text. */
import pTimeout, { TimeoutError } from "p-timeout";
import type { Clock } from "./clock.ts";

type CheckDetail = "ok" | "failed" | "timed out";

interface CheckResult {
  readonly ok: boolean;
  readonly detail: CheckDetail;
  readonly durationMs: number;
}

export interface CheckRun {
  readonly healthy: boolean;
  readonly results: Readonly<Record<string, CheckResult>>;
}

interface CheckOptions {
  readonly clock: Clock;
  /** A check that takes longer has failed. */
  readonly maxMs: number;
  /** Told why a check failed; the result keeps it to itself. */
  readonly onFailure: (name: string, error: unknown) => void;
}

async function runCheck(name: string, check: () => Promise<void>, options: CheckOptions): Promise<CheckResult> {
  const startedAtMs = options.clock.nowMs();
  const resultOf = (detail: CheckDetail): CheckResult => ({
    ok: detail === "ok",
    detail,
    durationMs: options.clock.nowMs() - startedAtMs,
  });
  try {
    await pTimeout(check(), { milliseconds: options.maxMs });
    return resultOf("ok");
  } catch (error) {
    options.onFailure(name, error);
    return resultOf(error instanceof TimeoutError ? "timed out" : "failed");
  }
}

/** Runs every check, each bounded by `maxMs`. A check fails by throwing; this never throws for it. */
export async function runChecks(
  checks: Readonly<Record<string, () => Promise<void>>>,
  options: CheckOptions,
): Promise<CheckRun> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await runCheck(name, check, options)] as const),
  );
  return { healthy: entries.every(([, result]) => result.ok), results: Object.fromEntries(entries) };
}
