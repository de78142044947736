/** The platform's numbered events and the frames of `GET /api/agents/admin/live`. They tell nothing of a tenant's content. */
import type { Breaker } from "./breakers.ts";
import type { LiveResetReason } from "./live-frames.ts";
import type { ModelName } from "./models.ts";
import type { HealthSample, PlatformStatus } from "./platform-rpc.ts";
import type { Switch, SwitchActor, SwitchScope } from "./switches.ts";

interface SlotData {
  readonly slotId: string;
  readonly number: number;
  readonly organizationId: string;
}

interface PlatformEventData {
  "demand.changed": { readonly organizationId: string; readonly demand: number; readonly hasOpenWork: boolean };
  "slot.offered": SlotData;
  "slot.held": SlotData;
  "slot.freed": SlotData;
  "switch.set": { readonly switch: Switch };
  "switch.removed": { readonly switch: Switch; readonly actor: SwitchActor | null; readonly reason: string };
  "switch.expired": { readonly switch: Switch; readonly actor: SwitchActor | null; readonly reason: string };
  /** `probeAtMs`: when an open one is tried again; null for one that has closed. */
  "breaker.changed": {
    readonly model: ModelName;
    readonly status: "closed" | Breaker["status"];
    readonly probeAtMs: number | null;
  };
  "work.cleared": { readonly scope: SwitchScope; readonly actor: SwitchActor; readonly reason: string };
  "health.sampled": { readonly sample: HealthSample };
}

type PlatformEventType = keyof PlatformEventData;

/** What a part of the object appends; the log adds number and time. */
export type NewPlatformEvent = {
  [Type in PlatformEventType]: { readonly type: Type; readonly data: PlatformEventData[Type] };
}[PlatformEventType];

/** `seq` counts from 1 without gaps within one incarnation of the platform's storage. */
export type PlatformEvent = NewPlatformEvent & { readonly seq: number; readonly atMs: number };

/** The platform as it was at an event; busy organizations up to a bound, the most served last. */
export interface PlatformSnapshot {
  readonly status: PlatformStatus;
  readonly organizations: readonly PlatformEventData["demand.changed"][];
  readonly slots: readonly (SlotData & { readonly isHeld: boolean })[];
  readonly switches: readonly Switch[];
  readonly breakers: readonly Breaker[];
  readonly health: HealthSample | null;
}

/** Rounds, acknowledgements and the codes of a close are those of every live stream (`live-frames.ts`). */
export type PlatformFrame =
  /** The first frame. Events `firstSeq` to `lastSeq` are kept; none when `firstSeq` is the greater. */
  | { readonly kind: "hello"; readonly incarnation: string; readonly firstSeq: number; readonly lastSeq: number }
  /** Events in order; `prevSeq` is the number before the first of them. */
  | { readonly kind: "events"; readonly prevSeq: number; readonly events: readonly PlatformEvent[] }
  /** What the client knows cannot be continued: a snapshot follows. */
  | { readonly kind: "reset"; readonly reason: LiveResetReason }
  /** The platform as it was at event `seq`; the events after it follow. */
  | { readonly kind: "snapshot"; readonly seq: number; readonly snapshot: PlatformSnapshot };
