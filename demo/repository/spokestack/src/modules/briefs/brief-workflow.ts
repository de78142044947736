import type { Brief, BriefStatus, PermissionLevel, Person } from "./brief-types";

/** For each status, the statuses that may follow it. */
const followers: Readonly<Record<BriefStatus, readonly BriefStatus[]>> = {
  DRAFT: ["SUBMITTED", "CANCELLED"],
  SUBMITTED: ["IN_REVIEW", "CANCELLED"],
  IN_REVIEW: ["APPROVED", "DRAFT", "CANCELLED"],
  APPROVED: ["IN_PROGRESS", "CANCELLED"],
  IN_PROGRESS: ["INTERNAL_REVIEW", "CANCELLED"],
  INTERNAL_REVIEW: ["CLIENT_REVIEW", "REVISIONS", "CANCELLED"],
  CLIENT_REVIEW: ["COMPLETED", "REVISIONS", "CANCELLED"],
  REVISIONS: ["INTERNAL_REVIEW", "CANCELLED"],
  COMPLETED: [],
  CANCELLED: [],
};

/** Statuses that only these levels may set; whoever may edit the brief sets the others. */
const deciders: Partial<Record<BriefStatus, readonly PermissionLevel[]>> = {
  IN_REVIEW: ["ADMIN", "LEADERSHIP", "TEAM_LEAD"],
  APPROVED: ["ADMIN", "LEADERSHIP", "TEAM_LEAD"],
  COMPLETED: ["ADMIN", "LEADERSHIP", "TEAM_LEAD"],
};

export type StatusRefusal = "closed" | "not_reachable" | "not_permitted";

/** A closed brief keeps its status for good. */
function isClosed(brief: Brief): boolean {
  return brief.submittedAt !== null;
}

/** Why a person may not set this status, or null when he may. */
export function refusalOf(brief: Brief, status: BriefStatus, person: Person): StatusRefusal | null {
  if (isClosed(brief)) return "closed";
  if (!followers[brief.status].includes(status)) return "not_reachable";
  const levels = deciders[status];
  return levels === undefined || levels.includes(person.level) ? null : "not_permitted";
}

/** The statuses that a person may choose from for a brief. */
export function reachableStatuses(brief: Brief, person: Person): BriefStatus[] {
  return followers[brief.status].filter((status) => refusalOf(brief, status, person) === null);
}

/** The brief in its new status, with the dates that follow from it. */
export function withStatus(brief: Brief, status: BriefStatus, at: Date): Brief {
  const moved = { ...brief, status };
  switch (status) {
    case "DRAFT":
      return { ...moved, submittedAt: null };
    case "SUBMITTED":
      return { ...moved, submittedAt: at };
    case "IN_PROGRESS":
      return { ...moved, startDate: brief.startDate ?? at };
    case "REVISIONS":
      return { ...moved, revisionCount: brief.revisionCount + 1 };
    case "COMPLETED":
    case "CANCELLED":
      return { ...moved, completedAt: at };
    default:
      return moved;
  }
}
