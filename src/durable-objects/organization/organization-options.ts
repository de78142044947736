/** What an organization's parts are made from: the object's storage, its settings and its ways out. */
import type { PlatformRpc } from "../../contracts/platform-rpc.ts";
import type { EffectMessage, RecordsMessage } from "../../contracts/queue-messages.ts";
import type { Switch } from "../../contracts/switches.ts";
import type { Timings } from "../../contracts/timings.ts";
import type { SendJob } from "../job-lanes.ts";
import type { ObjectPorts } from "../object-ports.ts";
import type { AdmissionCeilings } from "./admission.ts";
import type { LiveSettings } from "../live/live-stream.ts";

export interface OrganizationOptions {
  readonly context: DurableObjectState;
  readonly organizationId: string;
  readonly ports: ObjectPorts;
  readonly timings: Timings;
  readonly globalSlots: number;
  /** Switches that only a deploy can change. */
  readonly settingSwitches: readonly Switch[];
  readonly ceilings: AdmissionCeilings;
  readonly reviewExpiresAfterMs: number;
  readonly questionExpiresAfterMs: number;
  /** How long an event is kept after it was projected. */
  readonly keepProjectedMs: number;
  readonly live: LiveSettings;
  readonly sendJob: SendJob;
  readonly sendRecords: (message: RecordsMessage) => Promise<unknown>;
  readonly sendEffect: (message: EffectMessage) => Promise<unknown>;
  readonly platform: () => PlatformRpc;
}
