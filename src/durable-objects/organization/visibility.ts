import type { Visibility } from "../../contracts/caller.ts";

/** Whether a viewer may know of the issues that this user submitted; null is an issue that no user did. */
export function canSeeIssuesOf(visibility: Visibility, createdById: string | null): boolean {
  if (visibility.kind === "all") return true;
  return createdById !== null && visibility.userIds.includes(createdById);
}
