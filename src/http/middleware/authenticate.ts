import type { MiddlewareHandler } from "hono";
import type { Caller, TokenVerdict } from "../../contracts/caller.ts";
import { organizationHeader, organizationIdSchema } from "../../contracts/http.ts";
import type { TokenPort } from "../../contracts/ports.ts";
import { AgentError } from "../../core/errors.ts";
import { administratorName } from "../admin-tokens.ts";
import type { CallerEnv } from "../edge-env.ts";
import { decideCaller, IdentityCache } from "../identity.ts";
import type { AppPorts } from "../ports.ts";
import { InvalidRequestError } from "../problems.ts";

const bearerPattern = /^Bearer +(?<token>[\w~+/.=-]{1,8192})$/iu;

function bearerToken(authorization: string | undefined): string {
  const token = bearerPattern.exec(authorization ?? "")?.groups?.["token"];
  if (token !== undefined) return token;
  throw new AgentError({ code: "unauthenticated", detail: "Send an access token as `Authorization: Bearer …`." });
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

/** Knows the caller or refuses the request: 401, 403, or 503 when his identity cannot be established. */
export function authenticate(ports: AppPorts): MiddlewareHandler<CallerEnv> {
  const identities = new IdentityCache(ports.identities, { clock: ports.clock, log: ports.log });

  const callerOf = async (token: string, organizationChoice: string | undefined): Promise<Caller> => {
    const name = administratorName(token, ports.adminTokens);
    if (name !== null) return { kind: "platform", name, organizationId: chosenOrganization(organizationChoice) };
    const verdict = await verify(ports.tokens, token);
    if (verdict.kind === "rejected") {
      const detail = verdict.reason === "expired" ? "The access token has expired." : "The access token is not valid.";
      throw new AgentError({ code: "unauthenticated", detail });
    }
    const decision = decideCaller(verdict.claims, await identities.find(verdict.claims.subject));
    if (decision.kind === "refused") throw new AgentError(decision.failure);
    return decision.caller;
  };

  return async (c, next) => {
    const caller = await callerOf(bearerToken(c.req.header("authorization")), c.req.header(organizationHeader));
    c.set("caller", caller);
    c.set("log", c.var.log.with({ organizationId: caller.organizationId, caller: caller.kind }));
    await next();
  };
}
