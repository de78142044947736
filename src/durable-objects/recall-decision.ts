export interface RememberedAnswer {
  readonly requestHash: string;
  readonly expiresAtMs: number;
}

export type RecallDecision = "new" | "replay" | "other_request";

/** Whether a request with a key is new, a repetition, or another one under a key that is taken. */
export function decideRecall(remembered: RememberedAnswer | null, requestHash: string, nowMs: number): RecallDecision {
  if (remembered === null || remembered.expiresAtMs <= nowMs) return "new";
  return remembered.requestHash === requestHash ? "replay" : "other_request";
}
