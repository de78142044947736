/** A claimed slice, with everything that its parts share. */
import type { AgentDefinition } from "../agents/define-agent.ts";
import type { ModelName } from "../contracts/models.ts";
import type { Assignment, EpochRef, OrganizationRpc } from "../contracts/organization-rpc.ts";
import type { ModelPort } from "../contracts/ports.ts";
import type { Timings } from "../contracts/timings.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { PreparationPorts } from "./slice-preparation.ts";

/** What a slice asks of its organization's object. */
export type SliceOrganization = Pick<
  OrganizationRpc,
  | "claim"
  | "renewLease"
  | "control"
  | "beginAttempt"
  | "reserve"
  | "release"
  | "settle"
  | "checkpoint"
  | "streamText"
  | "finish"
  | "fail"
  | "askPerson"
  | "yieldSlice"
>;

export interface SlicePorts extends PreparationPorts {
  readonly objects: PreparationPorts["objects"] & { organization(organizationId: string): SliceOrganization };
  readonly model: ModelPort;
  readonly clock: Clock;
  readonly timings: Timings;
  /** For an issue without a complexity score. */
  readonly defaultModel: ModelName;
}

export interface Slice {
  readonly ports: SlicePorts;
  readonly assignment: Assignment;
  readonly definition: AgentDefinition;
  readonly ref: EpochRef;
  readonly organization: () => SliceOrganization;
  readonly logger: Logger;
  readonly startedAtMs: number;
}
