/** The deadline at which the first of an object's live sockets must close, for credentials end while the object sleeps. */
import type { Transaction } from "../transactions.ts";

export const socketDeadline = "sockets";

interface ClosableSockets {
  /** Closes what must be closed by now, and tells when the next one must. */
  closeEnded(nowMs: number): number | null;
}

/** Has the deadline lie no later than a new socket's end. */
export function watchSocket({ deadlines }: Transaction, closesAtMs: number): void {
  const set = deadlines.get(socketDeadline);
  if (set === null || closesAtMs < set.dueAtMs) deadlines.set(socketDeadline, closesAtMs);
}

/** Acts on the deadline. */
export function closeEndedSockets({ deadlines, nowMs }: Transaction, sockets: ClosableSockets): void {
  const nextMs = sockets.closeEnded(nowMs);
  if (nextMs !== null) deadlines.set(socketDeadline, nextMs);
}
