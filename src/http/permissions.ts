/** What a caller may do, as pure functions of his role. */
import type { Caller, PlatformAdministrator, UserCaller, Visibility } from "../contracts/caller.ts";
import { organizationHeader } from "../contracts/http.ts";
import type { PermissionLevel, ReviewRecord } from "../contracts/records.ts";
import type { SwitchActor } from "../contracts/switches.ts";
import { AgentError } from "../core/errors.ts";

export interface Reviewer {
  /** The person that stands in the review. */
  readonly decidedBy: string;
  readonly actingAs: readonly ReviewRecord["approver"][];
  /** His own user ids: nobody approves his own change. */
  readonly deciderIds: readonly string[];
}

/** A caller within one organization. */
export interface TenantAccess {
  readonly organizationId: string;
  /** Who is asking, the same for every request of his: a user's id, or a platform administrator's name. */
  readonly person: string;
  readonly visibility: Visibility;
  readonly submitterLevel: PermissionLevel;
  /** Whom a submission is attributed to; null for a platform administrator, who is no user of the ERP. */
  readonly createdById: string | null;
  /** Whose issues he may cancel, pause, resume and retry. */
  readonly authority: Visibility;
  /** The name that his commands are written down under. */
  readonly actor: string;
  /** Null when the role may not decide reviews. */
  readonly reviewer: Reviewer | null;
}

const reviewerLevels: ReadonlySet<PermissionLevel> = new Set<PermissionLevel>(["ADMIN", "LEADERSHIP", "TEAM_LEAD"]);

/** A person is known by his token's `sub` and by `users.id`; both count as his own. */
function ownIds(caller: UserCaller): readonly string[] {
  return caller.userId === null ? [caller.subject] : [caller.userId, caller.subject];
}

function userAccess(caller: UserCaller): TenantAccess {
  const ids = ownIds(caller);
  const createdById = caller.userId ?? caller.subject;
  const isReviewer = reviewerLevels.has(caller.level);
  return {
    organizationId: caller.organizationId,
    person: `user:${createdById}`,
    visibility: caller.level === "FREELANCER" ? { kind: "own", userIds: ids } : { kind: "all" },
    submitterLevel: caller.level,
    createdById,
    authority: isReviewer ? { kind: "all" } : { kind: "own", userIds: ids },
    actor: createdById,
    reviewer: isReviewer ? { decidedBy: createdById, actingAs: ["organization"], deciderIds: ids } : null,
  };
}

/**
 * The caller's access to the organization that he acts in. Throws `invalid_request`, naming the header, for a platform
 * administrator who chose none.
 */
export function tenantAccess(caller: Caller): TenantAccess {
  if (caller.kind === "user") return userAccess(caller);
  if (caller.organizationId === null) {
    throw new AgentError({
      code: "invalid_request",
      detail: `A platform administrator names the organization with ${organizationHeader}.`,
      field: organizationHeader,
    });
  }
  return {
    organizationId: caller.organizationId,
    person: `platform:${caller.name}`,
    visibility: { kind: "all" },
    submitterLevel: "ADMIN",
    createdById: null,
    authority: { kind: "all" },
    actor: caller.name,
    reviewer: { decidedBy: caller.name, actingAs: ["organization", "platform"], deciderIds: [] },
  };
}

/** The platform administrator behind a call; throws `forbidden` for anyone else. */
export function platformAdministrator(caller: Caller): PlatformAdministrator {
  if (caller.kind === "platform") return caller;
  throw new AgentError({ code: "forbidden", detail: "Only platform administrators may do this." });
}

/** What an administrator may act on, and in whose name. */
export interface AdministeredScope {
  readonly scope: { readonly kind: "platform" } | { readonly kind: "organization"; readonly value: string };
  readonly actor: SwitchActor;
}

/**
 * The scope that an administrator named: anything for a platform administrator, his own organization for an
 * organization's. Throws `forbidden` for other roles and for the platform, `not_found` for a foreign organization.
 */
export function administeredScope(
  caller: Caller,
  asked: { readonly kind: "platform" } | { readonly kind: "organization"; readonly value?: string | undefined },
): AdministeredScope {
  if (caller.kind === "platform") {
    const actor = { kind: "platform", name: caller.name } as const;
    if (asked.kind === "platform") return { scope: asked, actor };
    return { scope: { kind: "organization", value: asked.value ?? tenantAccess(caller).organizationId }, actor };
  }
  if (caller.level !== "ADMIN") {
    throw new AgentError({ code: "forbidden", detail: "Only administrators may do this." });
  }
  if (asked.kind === "platform") {
    throw new AgentError({ code: "forbidden", detail: "Only platform administrators may act on the whole platform." });
  }
  if (asked.value !== undefined && asked.value !== caller.organizationId) {
    throw new AgentError({ code: "not_found", detail: "There is no such organization." });
  }
  const name = caller.userId ?? caller.subject;
  return { scope: { kind: "organization", value: caller.organizationId }, actor: { kind: "organization", name } };
}

/** The reviewer behind a call; throws `forbidden` when the role may not decide reviews. */
export function reviewerOf(access: TenantAccess): Reviewer {
  if (access.reviewer !== null) return access.reviewer;
  throw new AgentError({ code: "forbidden", detail: "Your role may not decide reviews." });
}

/** Throws `forbidden` for those who see their own issues only: reviews concern the whole organization. */
export function requireReviewsVisible(access: TenantAccess): void {
  if (access.visibility.kind === "all") return;
  throw new AgentError({ code: "forbidden", detail: "Your role may not read reviews." });
}

/** Throws `forbidden` for those who see their own issues only: money is spent for the whole organization. */
export function requireSpendingVisible(access: TenantAccess): void {
  if (access.visibility.kind === "all") return;
  throw new AgentError({ code: "forbidden", detail: "Your role may not read what the organization spends." });
}
