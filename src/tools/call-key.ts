/** What a tool call is known by outside: however often it is run, it is one. */
import { hash } from "node:crypto";
import type { ModelToolCall } from "../contracts/ports.ts";
import { canonicalJson } from "../core/canonical-json.ts";

/** The step that a call is recorded as. */
export interface CallPlace {
  readonly jobId: string;
  readonly attempt: number;
  readonly stepNumber: number;
}

/**
 * The idempotency key of a call. It follows from what is stored before the call is run, so a run that is repeated after a
 * crash, by whatever slice and build, has the same one; any other call has another, be it the same words in the same turn, in
 * another attempt, or in a job that does this one again. Printable ASCII, and with an id of ours under 255 characters.
 */
export function callKey(
  { jobId, attempt, stepNumber }: CallPlace,
  call: Pick<ModelToolCall, "name" | "input">,
): string {
  return `${jobId}/${attempt}/${stepNumber}/${hash("sha256", canonicalJson([call.name, call.input ?? null]))}`;
}
