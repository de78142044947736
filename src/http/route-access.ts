/** Who may use which route: the one table that the middleware enforces. A route that is not in it is refused. */
import type { Caller, KeyScope } from "../contracts/caller.ts";
import { apiBasePath, dashboardPath } from "../contracts/http.ts";
import type { PermissionLevel } from "../contracts/records.ts";
import type { Failure } from "../core/errors.ts";

/** Each role may do what those before it may. */
const memberRoles = ["freelancer", "staff", "reviewer", "administrator"] as const;
export type MemberRole = (typeof memberRoles)[number];

export type RouteAccess =
  /** Anyone, without a credential. */
  | { readonly kind: "public" }
  /** Members of an organization from this role on, API keys with this scope (null: none), platform administrators. */
  | {
      readonly kind: "member";
      readonly role: MemberRole;
      readonly scope: KeyScope | null;
      /** Whether a verified claim is enough while the caller's row cannot be had. */
      readonly byClaim: boolean;
    }
  | { readonly kind: "platform" };

const anyone: RouteAccess = { kind: "public" };
const platform: RouteAccess = { kind: "platform" };
const member = (role: MemberRole, scope: KeyScope | null, byClaim = false): RouteAccess => ({
  kind: "member",
  role,
  scope,
  byClaim,
});
const reading = member("freelancer", "agents:read", true);
const submitting = member("freelancer", "agents:write", true);
const writing = member("freelancer", "agents:write");

const apiRoutes = {
  "GET /health": anyone,
  "GET /version": anyone,
  "GET /openapi.json": anyone,
  "GET /docs": anyone,
  "GET /docs/style.css": anyone,
  "POST ": submitting,
  "POST /batch": submitting,
  "POST /estimate": reading,
  "GET /catalog": reading,
  "GET ": reading,
  "GET /:id": reading,
  "GET /:id/steps": reading,
  "GET /:id/logs": reading,
  "GET /:id/artifacts": reading,
  "POST /:id/feedback": writing,
  "GET /:id/transcript": reading,
  "POST /:id/cancel": writing,
  "POST /:id/pause": writing,
  "POST /:id/resume": writing,
  "POST /:id/retry": writing,
  "POST /:id/messages": writing,
  "GET /live": reading,
  "POST /live/tickets": reading,
  "GET /quota": member("staff", "agents:read"),
  "GET /usage": member("staff", "agents:read"),
  "GET /reviews": member("staff", "agents:read"),
  "GET /reviews/:id": member("staff", "agents:read"),
  "POST /reviews/:id": member("reviewer", "agents:review"),
  "POST /admin": member("administrator", null),
  "GET /admin/audit": platform,
  "GET /admin/dead-letters": platform,
  "GET /admin/live": platform,
  "GET /admin/logs": platform,
  "GET /admin/organizations/:id": platform,
  "PUT /admin/organizations/:id": platform,
  "POST /admin/session": anyone,
  "GET /admin/session": platform,
  "DELETE /admin/session": platform,
  "GET /admin/sessions": platform,
  "DELETE /admin/sessions/:id": platform,
  "GET /admin/switches": platform,
  "POST /admin/switches": platform,
  "DELETE /admin/switches/:id": platform,
} satisfies Readonly<Record<string, RouteAccess>>;

const pageRoutes = {
  "GET ": anyone,
  "GET /dashboard.js": anyone,
  "GET /dashboard.css": anyone,
} satisfies Readonly<Record<string, RouteAccess>>;

function under(basePath: string, routes: Readonly<Record<string, RouteAccess>>): readonly [string, RouteAccess][] {
  return Object.entries(routes).map(([route, access]) => [route.replace(" ", ` ${basePath}`), access]);
}

/** By method and pattern of the path, such as `GET /api/agents/:id`. */
export const routeAccess: ReadonlyMap<string, RouteAccess> = new Map([
  ...under(apiBasePath, apiRoutes),
  ...under(dashboardPath, pageRoutes),
]);

const roleOfLevel: Readonly<Record<PermissionLevel, MemberRole | null>> = {
  ADMIN: "administrator",
  LEADERSHIP: "reviewer",
  TEAM_LEAD: "reviewer",
  STAFF: "staff",
  FREELANCER: "freelancer",
  CLIENT: null,
};

/** Whether a level carries a role, by itself or as one that includes it. */
export function hasRole(level: PermissionLevel, role: MemberRole): boolean {
  const own = roleOfLevel[level];
  return own !== null && memberRoles.indexOf(own) >= memberRoles.indexOf(role);
}

/** The same words whatever is missing. */
const notAllowed: Failure = { code: "forbidden", detail: "Your role, or your API key's scopes, do not allow this." };

/** His row may allow what his claim alone does not. */
const roleUnknown: Failure = {
  code: "unavailable",
  detail: "Your role cannot be looked up right now.",
  retryAfterSeconds: 5,
};

/** Whether nothing but a claim is known of the caller. */
function isKnownByClaim(caller: Caller): boolean {
  return caller.kind === "user" && caller.userId === null;
}

function mayUse(access: RouteAccess, caller: Caller): boolean {
  if (access.kind === "public" || caller.kind === "platform") return true;
  if (access.kind === "platform" || !hasRole(caller.level, access.role)) return false;
  return caller.kind === "user" || (access.scope !== null && caller.scopes.has(access.scope));
}

/** Why a caller may not use a route; null when he may. A route without an entry is nobody's. */
export function routeRefusal(access: RouteAccess | undefined, caller: Caller): Failure | null {
  if (access === undefined || !mayUse(access, caller)) return notAllowed;
  return access.kind === "member" && !access.byClaim && isKnownByClaim(caller) ? roleUnknown : null;
}
