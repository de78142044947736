/** What every call of the organization object has in common. */
import type { Failure } from "../../core/errors.ts";

/** What a method answers when the caller may be at fault; error classes do not survive an RPC. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure };

export interface Addressed {
  readonly organizationId: string;
}
