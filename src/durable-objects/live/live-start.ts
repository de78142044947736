/** Where a newly opened live stream begins. */
import type { LiveResetReason } from "../../contracts/live-frames.ts";

export interface KeptLog {
  readonly incarnation: string;
  /** Number of the last event that was pruned; 0 while all are kept. */
  readonly prunedSeq: number;
  readonly lastSeq: number;
}

export type LiveStart =
  /** Goes on after this number. */
  { readonly kind: "follow"; readonly afterSeq: number } | { readonly kind: "reset"; readonly reason: LiveResetReason };

/** Decides where a stream begins that was asked to go on after a number, or, without one, to follow from now on. */
export function decideLiveStart(
  asked: { readonly after: number | null; readonly incarnation: string | null },
  log: KeptLog,
): LiveStart {
  if (asked.after === null) return { kind: "follow", afterSeq: log.lastSeq };
  if (asked.incarnation !== null && asked.incarnation !== log.incarnation) {
    return { kind: "reset", reason: "other_incarnation" };
  }
  if (asked.after > log.lastSeq) return { kind: "reset", reason: "beyond_last" };
  if (asked.after < log.prunedSeq) return { kind: "reset", reason: "not_kept" };
  return { kind: "follow", afterSeq: asked.after };
}
