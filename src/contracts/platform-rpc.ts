/** Typed RPC of the one platform object: demand, slots, switches, the directory of organizations, health history. */
import type { ModelReport } from "./breakers.ts";
import type { AuditEntry, AuditQuery } from "./audit.ts";
import type { IdempotentRequest, Outcome } from "./organization-rpc.ts";
import type { OutcomeReport } from "./outcomes.ts";
import type { OrganizationSettings } from "./organization-settings.ts";
import type { SessionCalls } from "./platform-sessions.ts";
import type { Switch, SwitchActor, SwitchMode, SwitchScope } from "./switches.ts";
import type { Terms } from "./terms.ts";

export type { OrganizationSettings };

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
  /** Whether any work is unfinished, be it held, delayed, paused or under review: such an organization is told of every change. */
  readonly hasOpenWork: boolean;
  /** Version of the terms that the organization goes by. */
  readonly termsVersion: number;
  /** Slots still in use: renews their leases. */
  readonly heldSlotIds: readonly string[];
  /** Slots given back; listed until a report that lists them is acknowledged. */
  readonly releasedSlotIds: readonly string[];
}

export interface DemandReceipt {
  readonly version: number;
  /** Held slots that the platform no longer knows: their jobs must be fenced. */
  readonly lostSlotIds: readonly string[];
  /** Whether no slot is free and another organization is to get one before this one gets its next. */
  readonly othersAreOwed: boolean;
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

export interface SetSwitch {
  readonly scope: SwitchScope;
  readonly mode: SwitchMode;
  readonly actor: SwitchActor;
  readonly reason: string;
  /** Must lie in the future; null for a switch that somebody removes. */
  readonly expiresAtMs: number | null;
  /** Absent when the caller did not ask that the same request counts once. */
  readonly idempotency?: IdempotentRequest;
}

export interface SwitchReceipt extends Switch {
  /** Whether this is the remembered answer to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface RemoveSwitch {
  readonly switchId: string;
  readonly actor: SwitchActor;
  readonly reason: string;
}

export const adminActions = ["pause", "resume", "drain", "clear"] as const;
type AdminAction = (typeof adminActions)[number];

/** `pause` writes a hold, `drain` a drain, `resume` removes both, `clear` cancels what waits. */
export interface AdminCommand {
  readonly action: AdminAction;
  readonly scope: SwitchScope & { readonly kind: "platform" | "organization" };
  readonly actor: SwitchActor;
  readonly reason: string;
}

export interface PutOrganization extends OrganizationSettings {
  readonly actor: SwitchActor;
}

export interface PlatformRpc extends SessionCalls {
  reportDemand(report: DemandReport): Promise<DemandReceipt>;
  /** Takes what an organization saw of a model. */
  reportModel(report: ModelReport): Promise<void>;
  /** Takes an organization's counts of how its work has ended. */
  reportOutcomes(report: OutcomeReport): Promise<void>;
  readTerms(organizationId: string): Promise<Terms>;
  putOrganization(command: PutOrganization): Promise<OrganizationEntry>;
  readOrganization(organizationId: string): Promise<OrganizationEntry | null>;
  /** Those of every scope; with an organization, those that concern it. */
  readSwitches(organizationId: string | null): Promise<readonly Switch[]>;
  setSwitch(command: SetSwitch): Promise<Outcome<SwitchReceipt>>;
  /** The removed switch; `not_found` for an unknown one. */
  removeSwitch(command: RemoveSwitch): Promise<Outcome<Switch>>;
  /** Carries the action out and returns the switches that now stand for exactly this scope. Repeating it changes nothing. */
  administer(command: AdminCommand): Promise<Outcome<readonly Switch[]>>;
  /** The last changes, newest first. */
  readAudit(query: AuditQuery): Promise<readonly AuditEntry[]>;
  recordHealth(sample: HealthSample): Promise<void>;
  readHealth(limit: number): Promise<readonly HealthSample[]>;
  readStatus(): Promise<PlatformStatus>;
  /** Wakes busy organizations whose last report is older than this; returns how many. */
  wakeOverdue(olderThanMs: number): Promise<number>;
}
