import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** The route that answers: the first that is no middleware's; patterns registered later match too. */
export function matchedRoute(c: Context): { readonly method: string; readonly path: string } | undefined {
  return matchedRoutes(c).find(({ path }) => !path.endsWith("*"));
}
