/** When a model's breaker opens, is tried, and closes: a pure machine over what organizations report. */
import type { ModelReport } from "../../contracts/breakers.ts";

/** Faults and answers are weighed over so long. */
const windowMs = 60_000;
/** So many faults open the breaker, and hardly an answer beside them: faults among answers are the slices' own to repeat. */
const openingFaults = 5;
const faultsPerAnswer = 4;
/** More reports than that in a window are not remembered one by one. */
const maxSightings = 200;

interface Sighting {
  readonly atMs: number;
  readonly faults: number;
  readonly answers: number;
}

export type BreakerState =
  | { readonly status: "closed"; readonly sightings: readonly Sighting[] }
  | ({ readonly status: "open" } & Opening)
  | ({ readonly status: "half_open" } & Opening);

interface Opening {
  /** How often it has opened since it was closed last. */
  readonly opens: number;
  readonly sinceMs: number;
  readonly probeAtMs: number;
}

export const closedBreaker: BreakerState = { status: "closed", sightings: [] };

type Report = Pick<ModelReport, "faults" | "answers" | "retryAfterMs">;

/** How long a breaker stays open: the first time, and at most. */
export interface BreakerTimings {
  readonly firstOpenMs: number;
  readonly longestOpenMs: number;
}

function opened(
  { opens, sinceMs }: Pick<Opening, "opens" | "sinceMs">,
  retryAfterMs: number | null,
  { firstOpenMs, longestOpenMs }: BreakerTimings,
  nowMs: number,
): BreakerState {
  const openMs = Math.min(firstOpenMs * 2 ** (opens - 1), longestOpenMs);
  const asked = Math.min(retryAfterMs ?? 0, longestOpenMs);
  return { status: "open", opens, sinceMs, probeAtMs: nowMs + Math.max(openMs, asked) };
}

/**
 * The breaker after a report. What is heard while it is open comes from calls that began before, and changes nothing; while
 * it is half open, one fault opens it again for twice as long, and an answer alone closes it.
 */
export function afterReport(state: BreakerState, report: Report, timings: BreakerTimings, nowMs: number): BreakerState {
  const { faults, answers, retryAfterMs } = report;
  if (state.status === "open") return state;
  if (state.status !== "closed") {
    if (faults > 0) return opened({ ...state, opens: state.opens + 1 }, retryAfterMs, timings, nowMs);
    return answers > 0 ? closedBreaker : state;
  }
  const sightings = [...state.sightings, { atMs: nowMs, faults, answers }]
    .filter(({ atMs }) => atMs > nowMs - windowMs)
    .slice(-maxSightings);
  const sum = (kind: "faults" | "answers"): number => sightings.reduce((total, sighting) => total + sighting[kind], 0);
  const isOpening = sum("faults") >= openingFaults && sum("faults") >= faultsPerAnswer * sum("answers");
  return isOpening
    ? opened({ opens: 1, sinceMs: nowMs }, retryAfterMs, timings, nowMs)
    : { status: "closed", sightings };
}

/** The breaker once its time is over: then it may be tried. */
export function afterWait(state: BreakerState, nowMs: number): BreakerState {
  return state.status === "open" && state.probeAtMs <= nowMs ? { ...state, status: "half_open" } : state;
}
