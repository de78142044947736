/** The HTTP application: what the Worker's `fetch` runs. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { apiBasePath } from "../contracts/http.ts";
import type { Clock } from "../core/clock.ts";
import { AgentError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { CallerEnv, EdgeEnv } from "./edge-env.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { authorize } from "./middleware/authorize.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { requestLog } from "./middleware/request-log.ts";
import { requestText } from "./middleware/request-text.ts";
import { defaultHeaders, noStore } from "./middleware/response-headers.ts";
import { LiveTickets } from "./live-tickets.ts";
import { openApiDocument } from "./openapi/document.ts";
import type { AppPorts } from "./ports.ts";
import { fieldErrorsOf, InvalidRequestError, problemResponse } from "./problems.ts";
import { auditRoutes } from "./routes/audit.ts";
import { batchRoutes } from "./routes/batch.ts";
import { commandRoutes } from "./routes/commands.ts";
import { contractRoutes } from "./routes/contract.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { estimateRoutes } from "./routes/estimate.ts";
import { feedbackRoutes } from "./routes/feedback.ts";
import { issuePartRoutes } from "./routes/issue-parts.ts";
import { issueRoutes } from "./routes/issues.ts";
import { liveByTicket, liveRoutes } from "./routes/live.ts";
import { liveTicketRoutes } from "./routes/live-tickets.ts";
import { messageRoutes } from "./routes/messages.ts";
import { organizationRoutes } from "./routes/organizations.ts";
import { quotaRoutes } from "./routes/quota.ts";
import { platformLiveRoutes } from "./routes/platform-live.ts";
import { platformLogRoutes } from "./routes/platform-logs.ts";
import { reviewRoutes } from "./routes/reviews.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { statusRoutes } from "./routes/status.ts";
import { submitRoutes } from "./routes/submit.ts";
import { switchRoutes } from "./routes/switches.ts";
import { transcriptRoutes } from "./routes/transcripts.ts";
import { usageRoutes } from "./routes/usage.ts";
import { TermsCache } from "./terms-cache.ts";

/** Routes that need a caller. A path that none of them serves asks for a token too: it fails closed. */
function callerRoutes(ports: AppPorts): OpenAPIHono<CallerEnv> {
  const routes = new OpenAPIHono<CallerEnv>();
  const termsCache = new TermsCache(ports);
  const tickets = new LiveTickets({ key: ports.signingKeys.tickets, clock: ports.clock });
  routes.get("/live", liveByTicket(ports, tickets));
  routes.use(authenticate(ports), authorize(), requestText());
  routes.route("/", submitRoutes(ports, termsCache));
  routes.route("/", batchRoutes(ports, termsCache));
  routes.route("/", estimateRoutes(ports, termsCache));
  routes.route("/", liveRoutes(ports));
  routes.route("/", liveTicketRoutes(tickets));
  routes.route("/", reviewRoutes(ports));
  routes.route("/", organizationRoutes(ports, termsCache));
  routes.route("/", deadLetterRoutes(ports));
  routes.route("/", commandRoutes(ports));
  routes.route("/", messageRoutes(ports));
  routes.route("/", feedbackRoutes(ports));
  routes.route("/", quotaRoutes(ports, termsCache));
  routes.route("/", transcriptRoutes(ports));
  routes.route("/", auditRoutes(ports));
  routes.route("/", sessionRoutes(ports));
  routes.route("/", usageRoutes(ports));
  routes.route("/", switchRoutes(ports, termsCache));
  routes.route("/", platformLiveRoutes(ports));
  routes.route("/", platformLogRoutes(ports));
  routes.route("/", issueRoutes(ports));
  routes.route("/", issuePartRoutes(ports));
  return routes;
}

/**
 * The whole application over its ports. It answers every error as a problem, gives every response a request id, and
 * writes one log line a request.
 */
export function createApp(ports: AppPorts): Hono<EdgeEnv> {
  const app = new OpenAPIHono<EdgeEnv>({
    strict: false,
    defaultHook: (result) => {
      if (!result.success) throw new InvalidRequestError(fieldErrorsOf(result.error, result.target));
    },
  });
  app.onError((error, c) => problemResponse(error, c.var.requestId));
  app.notFound((c) =>
    problemResponse(new AgentError({ code: "not_found", detail: "Nothing is served here." }), c.var.requestId),
  );
  app.use(requestLog(ports), defaultHeaders());
  const otherOrigins = crossOrigin(ports.allowedOrigins);
  if (otherOrigins !== null) app.use(`${apiBasePath}/*`, otherOrigins);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const error = new AgentError({ code: "method_not_allowed", detail: `Allowed here: ${allow}.` });
        return problemResponse(error, c.var.requestId, { allow });
      },
    }),
  );
  app.use(`${apiBasePath}/*`, noStore());
  app.route(apiBasePath, statusRoutes(ports));
  app.route(
    apiBasePath,
    contractRoutes(() => openApiDocument(app.openAPIRegistry.definitions, ports.release.version)),
  );
  app.route(apiBasePath, signInRoutes(ports));
  app.route(apiBasePath, callerRoutes(ports));
  app.route("/", dashboardRoutes());
  return app;
}

/** What is served while the settings are bad: 503 everywhere. The wrong keys are named in the log only. */
export function createMisconfiguredApp(
  error: { readonly keys: readonly string[] },
  options: { readonly clock: Clock; readonly log: Logger },
): Hono<EdgeEnv> {
  options.log.error("settings are missing or invalid", { keys: error.keys.join(", ") });
  const app = new Hono<EdgeEnv>();
  app.use(requestLog(options), defaultHeaders(), noStore());
  app.all("*", (c) =>
    problemResponse(
      new AgentError({ code: "misconfigured", detail: "The service is not configured.", retryAfterSeconds: 60 }),
      c.var.requestId,
    ),
  );
  return app;
}
