/**
 * A platform administrator's session in a browser: a cookie that only the browser can read, and its record. The cookie is
 * signed so that made-up ones are told from handed-out ones without asking the platform object.
 */
import { hash, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { sessionCookie } from "../contracts/http.ts";
import type { AdminSession } from "../contracts/platform-sessions.ts";
import type { AdminToken, AppPorts } from "./ports.ts";

/** What the prefix demands is given below. */
const cookiePrefix = "__Host-";
const cookieName = sessionCookie.slice(cookiePrefix.length);
const cookieOptions = { prefix: "host", path: "/", secure: true } as const;
const lifetimeMs = 8 * 60 * 60_000;

function hashOf(secret: string): string {
  return hash("sha256", secret);
}

/** Opens a session for the administrator of a token, and hands its secret to the browser. */
export async function openAdminSession(c: Context, ports: AppPorts, token: AdminToken): Promise<AdminSession> {
  const secret = randomBytes(32).toString("base64url");
  const { name, sha256: tokenHash } = token;
  const session = await ports.objects
    .platform()
    .openSession({ name, tokenHash, secretHash: hashOf(secret), lifetimeMs });
  await setSignedCookie(c, cookieName, secret, ports.signingKeys.sessions, {
    ...cookieOptions,
    httpOnly: true,
    sameSite: "Strict",
    maxAge: lifetimeMs / 1_000,
  });
  return session;
}

/** Has the browser forget the secret. */
export function forgetAdminSession(c: Context): void {
  deleteCookie(c, cookieName, cookieOptions);
}

/**
 * The session of the request's cookie; null when there is none, or none any more. It ends with its time, when it is ended,
 * and when the token that it was opened with is no administrator's any more.
 */
export async function adminSessionOf(c: Context, ports: AppPorts): Promise<AdminSession | null> {
  const secret = await getSignedCookie(c, ports.signingKeys.sessions, cookieName, "host");
  if (typeof secret !== "string") return null;
  const session = await ports.objects.platform().findSession(hashOf(secret));
  const isCurrent = ports.adminTokens.some(
    ({ name, sha256 }) => name === session?.name && sha256 === session.tokenHash,
  );
  return isCurrent ? session : null;
}
