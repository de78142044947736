/** What a caller may do, as pure functions of his role. */
import type { Caller, KeyCaller, PlatformAdministrator, UserCaller, Visibility } from "../contracts/caller.ts";
import { organizationHeader } from "../contracts/http.ts";
import type { PermissionLevel, ReviewRecord } from "../contracts/records.ts";
import type { SwitchActor } from "../contracts/switches.ts";
import { AgentError } from "../core/errors.ts";
import { hasRole } from "./route-access.ts";

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
  /** Who is asking, the same for every request of his: a user's id, a key's, or a platform administrator's name. */
  readonly person: string;
  /** Whose idempotency keys his are: like `person`, but the same also while his row cannot be read. */
  readonly keyOwner: string;
  readonly visibility: Visibility;
  readonly submitterLevel: PermissionLevel;
  /** Whom a submission is attributed to; null for platform administrators and keys, which are no users of the ERP. */
  readonly createdById: string | null;
  /** Whose issues he may cancel, pause, resume and retry. */
  readonly authority: Visibility;
  /** The name that his commands are written down under. */
  readonly actor: string;
  /** Null for whoever may decide no review. */
  readonly reviewer: Reviewer | null;
}

/** Whoever acts within an organization: by which ids he is known there, and what stands for him where. */
interface Member {
  /** A person is known by his token's `sub` and by `users.id`; both count as his own. Empty for a key in nobody's name. */
  readonly ids: readonly string[];
  readonly person: string;
  readonly keyOwner: string;
  readonly createdById: string | null;
  readonly actor: string;
  readonly submitterLevel: PermissionLevel;
}

function memberOf(caller: UserCaller | KeyCaller): Member {
  if (caller.kind === "user") return userMember(caller.userId, caller.subject, caller.level);
  const { actingUser, keyId, level } = caller;
  if (actingUser !== null) return userMember(actingUser.userId, actingUser.subject, level);
  const name = `key:${keyId}`;
  return { ids: [], person: name, keyOwner: name, createdById: null, actor: name, submitterLevel: "STAFF" };
}

function userMember(userId: string | null, subject: string | null, level: PermissionLevel): Member {
  const ids = [userId, subject].filter((id) => id !== null);
  const [name = ""] = ids;
  // A token always says its subject; whoever has a row without one is known by that row alone.
  const keyOwner = `user:${subject ?? name}`;
  return { ids, person: `user:${name}`, keyOwner, createdById: name, actor: name, submitterLevel: level };
}

function memberAccess(caller: UserCaller | KeyCaller): TenantAccess {
  const { ids, person, keyOwner, createdById, actor, submitterLevel } = memberOf(caller);
  const own: Visibility = { kind: "own", userIds: ids };
  const isReviewer = hasRole(caller.level, "reviewer");
  return {
    organizationId: caller.organizationId,
    person,
    keyOwner,
    visibility: hasRole(caller.level, "staff") ? { kind: "all" } : own,
    submitterLevel,
    createdById,
    authority: isReviewer ? { kind: "all" } : own,
    actor,
    reviewer:
      isReviewer && createdById !== null
        ? { decidedBy: createdById, actingAs: ["organization"], deciderIds: ids }
        : null,
  };
}

/**
 * The caller's access to the organization that he acts in. Throws `invalid_request`, naming the header, for a platform
 * administrator who chose none.
 */
export function tenantAccess(caller: Caller): TenantAccess {
  if (caller.kind !== "platform") return memberAccess(caller);
  if (caller.organizationId === null) {
    throw new AgentError({
      code: "invalid_request",
      detail: `A platform administrator names the organization with ${organizationHeader}.`,
      field: organizationHeader,
    });
  }
  return {
    organizationId: caller.organizationId,
    person: personOf(caller),
    keyOwner: personOf(caller),
    visibility: { kind: "all" },
    submitterLevel: "ADMIN",
    createdById: null,
    authority: { kind: "all" },
    actor: caller.name,
    reviewer: { decidedBy: caller.name, actingAs: ["organization", "platform"], deciderIds: [] },
  };
}

/** A platform administrator as a person, the same for every request of his. */
export function personOf({ name }: PlatformAdministrator): string {
  return `platform:${name}`;
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
  if (caller.kind === "key" || !hasRole(caller.level, "administrator")) {
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

/** The reviewer behind a call; throws `forbidden` for whoever may decide none, such as an API key in nobody's name. */
export function reviewerOf(access: TenantAccess): Reviewer {
  if (access.reviewer !== null) return access.reviewer;
  throw new AgentError({ code: "forbidden", detail: "A review is decided by a person who is a reviewer." });
}
