/** What a browser says of the page that a request comes from. */
import { AgentError } from "../core/errors.ts";

function foreignPage(): AgentError {
  return new AgentError({ code: "forbidden", detail: "Pages of this origin may not do this." });
}

/** Throws `forbidden` unless the page is this Worker's own: what a cookie authenticates must say where it comes from. */
export function requireOwnOrigin(request: Request): void {
  if (request.headers.get("origin") !== new URL(request.url).origin) throw foreignPage();
}

/** Throws `forbidden` for a page of an origin that is neither this Worker's nor allowed; programs name no origin. */
export function refuseForeignOrigin(request: Request, allowedOrigins: ReadonlySet<string>): void {
  const origin = request.headers.get("origin");
  if (origin === null || origin === new URL(request.url).origin || allowedOrigins.has(origin)) return;
  throw foreignPage();
}
