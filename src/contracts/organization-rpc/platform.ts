/** What the platform object calls. */
import type { Terms } from "../terms.ts";
import type { Addressed } from "./outcome.ts";

export interface SlotGrant extends Addressed {
  readonly slotId: string;
  /** Picks the queue lane. */
  readonly slotNumber: number;
}

export interface PlatformCalls {
  grantSlot(grant: SlotGrant): Promise<{ readonly accepted: boolean }>;
  /** Which of these slots the organization still uses; asked before an expired one is given away. */
  confirmSlots(query: Addressed & { readonly slotIds: readonly string[] }): Promise<readonly string[]>;
  applyTerms(terms: Terms): Promise<void>;
  /** Wakes a busy organization: acts on whatever is due. */
  checkIn(ref: Addressed): Promise<void>;
}
