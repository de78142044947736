export const briefStatuses = [
  "DRAFT",
  "SUBMITTED",
  "IN_REVIEW",
  "APPROVED",
  "IN_PROGRESS",
  "INTERNAL_REVIEW",
  "CLIENT_REVIEW",
  "REVISIONS",
  "COMPLETED",
  "CANCELLED",
] as const;

export type BriefStatus = (typeof briefStatuses)[number];

export type PermissionLevel = "ADMIN" | "LEADERSHIP" | "TEAM_LEAD" | "STAFF" | "FREELANCER" | "CLIENT";

/** The parts of a brief that its workflow reads and writes. */
export interface Brief {
  readonly id: string;
  readonly organizationId: string;
  readonly briefNumber: string;
  readonly title: string;
  readonly status: BriefStatus;
  readonly createdById: string;
  readonly assigneeId: string | null;
  readonly revisionCount: number;
  readonly submittedAt: Date | null;
  readonly startDate: Date | null;
  /** Set when the brief is closed: completed or cancelled. */
  readonly completedAt: Date | null;
}

export interface Person {
  readonly id: string;
  readonly level: PermissionLevel;
}
