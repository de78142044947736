/** Typed RPC of the one platform object: demand, slots, the directory of organizations, health history. */
import type { LimitOverrides, Repository, Terms, Tier } from "./terms.ts";

/** An organization's whole claim on the platform; level-triggered, so it may be sent again at will. */
export interface DemandReport {
  readonly organizationId: string;
  /** Grows with every change of the report; an older one is ignored. */
  readonly version: number;
  /** Jobs that could start now if slots were granted, within the organization's own limit. */
  readonly demand: number;
  /** Numeric priority of the most urgent of them; null without demand. */
  readonly headPriority: number | null;
  readonly oldestAtMs: number | null;
  readonly weight: number;
  /** Slots still in use: renews their leases. */
  readonly heldSlotIds: readonly string[];
  /** Slots given back; listed until a report that lists them is acknowledged. */
  readonly releasedSlotIds: readonly string[];
}

export interface DemandReceipt {
  readonly version: number;
  /** Held slots that the platform no longer knows: their jobs must be fenced. */
  readonly lostSlotIds: readonly string[];
}

export interface OrganizationSettings {
  readonly organizationId: string;
  readonly tier: Tier | null;
  readonly slug: string | null;
  readonly repository: Repository | null;
  readonly limitOverrides: LimitOverrides;
}

export interface OrganizationEntry extends OrganizationSettings {
  readonly terms: Terms;
  readonly demand: number;
  readonly slotsInUse: number;
}

export interface HealthSample {
  readonly atMs: number;
  readonly healthy: boolean;
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly detail: string; readonly durationMs: number }>
  >;
}

export interface PlatformStatus {
  readonly globalSlots: number;
  readonly slotsInUse: number;
  readonly organizationsWaiting: number;
  readonly demand: number;
}

export interface PlatformRpc {
  reportDemand(report: DemandReport): Promise<DemandReceipt>;
  readTerms(organizationId: string): Promise<Terms>;
  putOrganization(settings: OrganizationSettings): Promise<OrganizationEntry>;
  readOrganization(organizationId: string): Promise<OrganizationEntry | null>;
  recordHealth(sample: HealthSample): Promise<void>;
  readHealth(limit: number): Promise<readonly HealthSample[]>;
  readStatus(): Promise<PlatformStatus>;
  /** Wakes busy organizations whose last report is older than this; returns how many. */
  wakeOverdue(olderThanMs: number): Promise<number>;
}
