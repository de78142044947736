/** What holds for every text of a request, whatever route it is for. */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { maxBodyBytes } from "../../contracts/http.ts";
import { AgentError } from "../../core/errors.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { parseJsonBody } from "../json-body.ts";
import { InvalidRequestError } from "../problems.ts";

const methodsWithBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const jsonMediaType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/iu;

const limitBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw new AgentError({ code: "body_too_large", detail: `A body holds at most ${maxBodyBytes} bytes.` });
  },
});

/** Throws `invalid_request`, naming the parameter: a decoded address holds no U+0000, and no parameter `__proto__`. */
function checkAddress(url: string): void {
  const query = url.indexOf("?");
  const path = query === -1 ? url : url.slice(0, query);
  if (path.includes("%00")) throw new InvalidRequestError([{ field: "path", message: "holds U+0000" }]);
  if (query === -1) return;
  for (const [name, text] of new URLSearchParams(url.slice(query))) {
    if (name.includes("\0") || text.includes("\0")) {
      throw new InvalidRequestError([{ field: name, message: "holds U+0000" }]);
    }
    if (name === "__proto__") throw new InvalidRequestError([{ field: name, message: "is not a known field" }]);
  }
}

/** Parses the body, and has the routes' validators take that value instead of parsing the text again. */
async function takeJson(c: Context): Promise<void> {
  if (c.req.raw.body === null || !jsonMediaType.test(c.req.header("content-type") ?? "")) return;
  const body = parseJsonBody(await c.req.arrayBuffer());
  // oxlint-disable-next-line typescript/no-explicit-any -- Hono's own type for a JSON body
  c.req.json = () => Promise.resolve<any>(body);
}

/** Checks the address and the body of a request before any route sees them. */
export function requestText(): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    checkAddress(c.req.url);
    if (!methodsWithBody.has(c.req.method)) return next();
    return limitBody(c, async () => {
      await takeJson(c);
      await next();
    });
  };
}
