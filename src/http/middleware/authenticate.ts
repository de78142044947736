import { hash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { Caller, IdentityRow, KeyCaller, KeyQuery, KeyRow, TokenVerdict } from "../../contracts/caller.ts";
import { actingUserHeader, organizationHeader, organizationIdSchema } from "../../contracts/http.ts";
import type { TokenPort } from "../../contracts/ports.ts";
import { AgentError } from "../../core/errors.ts";
import type { AdminSession } from "../../contracts/platform-sessions.ts";
import { adminSessionOf } from "../admin-sessions.ts";
import { administratorOf } from "../admin-tokens.ts";
import type { CallerEnv } from "../edge-env.ts";
import { type CallerDecision, decideCaller, decideKeyCaller, unauthenticated, withoutAccess } from "../identity.ts";
import { LookupCache } from "../lookup-cache.ts";
import type { AppPorts } from "../ports.ts";
import { requireOwnOrigin } from "../same-origin.ts";
import { InvalidRequestError, valueOf } from "../problems.ts";

/** The length is bounded before anything is computed from it. */
const bearerPattern = /^Bearer +(?<token>[\w~+/.=-]{1,8192})$/iu;
const apiKeyPrefix = "sk_live_";
/** The prefix and 32 bytes in base64url. */
const apiKeyPattern = /^sk_live_[\w-]{43}$/u;
/** An id of the ERP's users, as far as it can be told from its form. */
const userIdPattern = /^[\w-]{1,64}$/u;

/** A user's socket lasts as long as his token, which Supabase lets last a week at most. */
const userSocketMaxMs = 7 * 24 * 60 * 60_000;
/** Other sockets are closed after so long: the reconnect shows the credential again. */
const otherSocketMaxMs = 15 * 60_000;
const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** What a credential establishes. */
interface Established {
  readonly caller: Caller;
  readonly session: AdminSession | null;
  /** When the credential itself ends; null when it does not say. */
  readonly endsAtMs: number | null;
}

function bearerToken(authorization: string): string {
  const token = bearerPattern.exec(authorization)?.groups?.["token"];
  if (token !== undefined) return token;
  throw new AgentError(unauthenticated);
}

/** The organization that a platform administrator chose, if any. */
function chosenOrganization(header: string | undefined): string | null {
  if (header === undefined) return null;
  const parsed = organizationIdSchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError([{ field: organizationHeader, message: "is not an organization's id" }]);
}

async function verify(tokens: TokenPort, token: string): Promise<TokenVerdict> {
  try {
    return await tokens.verify(token);
  } catch (error) {
    const detail = "Access tokens cannot be verified right now.";
    throw new AgentError({ code: "unavailable", detail, retryAfterSeconds: 5 }, { cause: error });
  }
}

function callerOf<Known>(decision: CallerDecision<Known>): Known {
  if (decision.kind === "refused") throw new AgentError(decision.failure);
  return decision.caller;
}

function platformCaller(c: Context, name: string): Caller {
  return { kind: "platform", name, organizationId: chosenOrganization(c.req.header(organizationHeader)) };
}

/** A look-up's key and what it stands for: ids and hashes hold no colon. */
function keyQueryOf(text: string): KeyQuery {
  const [keyHash = "", actingUserId = ""] = text.split(":");
  return { keyHash, actingUserId: actingUserId === "" ? null : actingUserId };
}

/** Knows the caller or refuses the request: 401, 403, 429 for an API key, or 503 when who calls cannot be established. */
export function authenticate(ports: AppPorts): MiddlewareHandler<CallerEnv> {
  const { clock, log } = ports;
  const identities = new LookupCache<IdentityRow>((subject) => ports.identities.findBySubject(subject), {
    clock,
    log,
    subject: "identity",
  });
  const keys = new LookupCache<KeyRow>((text) => ports.identities.findKey(keyQueryOf(text)), {
    clock,
    log,
    subject: "API key",
  });

  const callerOfKey = async (key: string, actingUserId: string | undefined): Promise<KeyCaller> => {
    if (!apiKeyPattern.test(key)) throw new AgentError(unauthenticated);
    if (actingUserId !== undefined && !userIdPattern.test(actingUserId)) throw new AgentError(withoutAccess);
    const keyHash = hash("sha256", key);
    const lookup = await keys.find(`${keyHash}:${actingUserId ?? ""}`);
    const caller = callerOf(decideKeyCaller(actingUserId ?? null, lookup, clock.nowMs()));
    const { organizationId, keyId, requestsPerHour } = caller;
    valueOf(
      await ports.objects.organization(organizationId).countKeyRequest({ organizationId, keyId, requestsPerHour }),
    );
    return caller;
  };

  const establishToken = async (token: string): Promise<Established> => {
    const verdict = await verify(ports.tokens, token);
    if (verdict.kind === "rejected") throw new AgentError(unauthenticated);
    if (verdict.kind === "unusable") throw new AgentError(withoutAccess);
    const { subject, expiresAtMs: endsAtMs } = verdict.claims;
    const caller = callerOf(decideCaller(verdict.claims, await identities.find(subject)));
    return { caller, session: null, endsAtMs };
  };

  const establishBearer = async (c: Context, token: string): Promise<Established> => {
    const administrator = administratorOf(token, ports.adminTokens);
    if (administrator !== null) return { caller: platformCaller(c, administrator.name), session: null, endsAtMs: null };
    if (!token.startsWith(apiKeyPrefix)) return establishToken(token);
    return { caller: await callerOfKey(token, c.req.header(actingUserHeader)), session: null, endsAtMs: null };
  };

  /** A cookie comes along by itself, so whatever changes or opens something must come from a page of this Worker's own. */
  const establishCookie = async (c: Context): Promise<Established> => {
    const session = await adminSessionOf(c, ports);
    if (session === null) throw new AgentError(unauthenticated);
    const isUpgrade = c.req.header("upgrade") !== undefined;
    if (isUpgrade || !safeMethods.has(c.req.method)) requireOwnOrigin(c.req.raw);
    return { caller: platformCaller(c, session.name), session, endsAtMs: session.expiresAtMs };
  };

  return async (c, next) => {
    const authorization = c.req.header("authorization");
    const { caller, session, endsAtMs } =
      authorization === undefined ? await establishCookie(c) : await establishBearer(c, bearerToken(authorization));
    const latestMs = clock.nowMs() + (caller.kind === "user" ? userSocketMaxMs : otherSocketMaxMs);
    c.set("caller", caller);
    c.set("session", session);
    c.set("socketsUntilMs", Math.min(endsAtMs ?? latestMs, latestMs));
    c.set("log", c.var.log.with({ organizationId: caller.organizationId, caller: caller.kind }));
    await next();
  };
}
