/** Who changed what and why: operators on the platform, and people in an organization. */
import type { IssueCommandName } from "./status.ts";
import type { ReviewRecord } from "./records.ts";
import type { Switch, SwitchActor, SwitchScope } from "./switches.ts";
import type { OrganizationSettings } from "./organization-settings.ts";

export const auditActions = [
  "switch.set",
  "switch.removed",
  "switch.expired",
  "work.cleared",
  "organization.set",
  "session.opened",
  "session.ended",
] as const;

/** One change by an operator, or by time. */
export interface AuditEntry {
  /** Counts from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly action: (typeof auditActions)[number];
  readonly scope: SwitchScope;
  /** Null for what ended by itself. */
  readonly actor: SwitchActor | null;
  /** Null where no reason is asked for. */
  readonly reason: string | null;
  /** The switch concerned; null for anything else. */
  readonly subject: Switch | null;
  /** What an organization's tier, limits and bindings were set to, and what they were. */
  readonly settings: { readonly now: OrganizationSettings; readonly before: OrganizationSettings | null } | null;
  /** The administrator's session that began or ended. */
  readonly sessionId: string | null;
}

/** One thing that a person, or a switch, decided about an organization's work. */
export interface DecisionEntry {
  /** Counts from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly action: "issue.commanded" | "review.decided";
  /** The command, or the status that the review has since. */
  readonly outcome: IssueCommandName | ReviewRecord["status"];
  readonly actor: string;
  readonly reason: string | null;
  readonly issueId: string;
  readonly reviewId: string | null;
}

/** A page, newest first. */
export interface AuditQuery {
  /** Only entries of a lower number; null begins with the newest. */
  readonly before: number | null;
  readonly limit: number;
}
