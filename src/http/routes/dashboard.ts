import { Hono } from "hono";
import { dashboardPath } from "../../contracts/http.ts";
import { dashboardHtml } from "../../ui/dashboard-page.ts";
import { dashboardScript } from "../../ui/dashboard-script.ts";
import { dashboardStyle } from "../../ui/dashboard-style.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { pageHeaders } from "../middleware/response-headers.ts";

const maxAge = "public, max-age=300";

/** The dashboard's page with its script and style, which hold nothing secret: the API behind them asks for a token. */
export function dashboardRoutes(): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>()
    .use(`${dashboardPath}/*`, pageHeaders())
    .get(dashboardPath, (c) => c.html(dashboardHtml))
    .get(`${dashboardPath}/dashboard.js`, (c) =>
      c.body(dashboardScript, 200, { "content-type": "text/javascript; charset=utf-8", "cache-control": maxAge }),
    )
    .get(`${dashboardPath}/dashboard.css`, (c) =>
      c.body(dashboardStyle, 200, { "content-type": "text/css; charset=utf-8", "cache-control": maxAge }),
    );
}
