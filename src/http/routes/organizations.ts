import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import {
  noQuerySchema,
  organizationParamsSchema,
  type PutOrganizationRequest,
  putOrganizationRequestSchema,
} from "../../contracts/http.ts";
import { organizationViewSchema } from "../../contracts/http-views.ts";
import type { OrganizationSettings } from "../../contracts/platform-rpc.ts";
import type { LimitOverrides, OrganizationLimits } from "../../contracts/terms.ts";
import { AgentError } from "../../core/errors.ts";
import type { CallerEnv } from "../edge-env.ts";
import { platformAdministrator } from "../permissions.ts";
import { singleRead } from "../middleware/single-read.ts";
import type { AppPorts } from "../ports.ts";
import { InvalidRequestError } from "../problems.ts";
import type { TermsCache } from "../terms-cache.ts";
import { organizationView } from "../views.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent, singleContent } from "./json-content.ts";
import { bodyProblems, callerProblems } from "./problem-responses.ts";

const readRoute = createRoute({
  method: "get",
  path: "/admin/organizations/{id}",
  operationId: "readOrganization",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Read an organization's tier, limits and bindings",
  middleware: singleRead(),
  request: { query: noQuerySchema, params: organizationParamsSchema },
  responses: { ...singleContent(organizationViewSchema, "The organization"), ...callerProblems("not_found") },
});

const putRoute = createRoute({
  method: "put",
  path: "/admin/organizations/{id}",
  operationId: "putOrganization",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Set an organization's tier, limits and bindings",
  request: { query: noQuerySchema, params: organizationParamsSchema, body: jsonBody(putOrganizationRequestSchema) },
  responses: { 200: jsonContent(organizationViewSchema, "The organization as it is now"), ...bodyProblems() },
});

type GivenLimits = PutOrganizationRequest["limitOverrides"]["limits"];

/** Only the limits that were given: an absent override is absent and not undefined. */
function givenLimitsOf(given: GivenLimits): Partial<OrganizationLimits> {
  const { concurrentJobs, issuesPerDay, issuesPerHour, weight, models, agents } = given;
  const { dailyBudgetMicroUsd, monthlyBudgetMicroUsd } = given;
  return {
    ...(concurrentJobs === undefined ? {} : { concurrentJobs }),
    ...(issuesPerDay === undefined ? {} : { issuesPerDay }),
    ...(issuesPerHour === undefined ? {} : { issuesPerHour }),
    ...(weight === undefined ? {} : { weight }),
    ...(models === undefined ? {} : { models }),
    ...(agents === undefined ? {} : { agents }),
    ...(dailyBudgetMicroUsd === undefined ? {} : { dailyBudgetMicroUsd }),
    ...(monthlyBudgetMicroUsd === undefined ? {} : { monthlyBudgetMicroUsd }),
  };
}

/** Throws `invalid_request` when the overrides would be over before they began. */
function overridesOf({ limits, expiresAt }: PutOrganizationRequest["limitOverrides"], nowMs: number): LimitOverrides {
  const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt);
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw new InvalidRequestError([{ field: "limitOverrides.expiresAt", message: "is not in the future" }]);
  }
  return { limits: givenLimitsOf(limits), expiresAtMs };
}

function settingsOf(organizationId: string, request: PutOrganizationRequest, nowMs: number): OrganizationSettings {
  const { tier, slug, repository, limitOverrides } = request;
  return { organizationId, tier, slug, repository, limitOverrides: overridesOf(limitOverrides, nowMs) };
}

/** The directory of organizations, for platform administrators. */
export function organizationRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  return new OpenAPIHono<CallerEnv>()
    .openapi(readRoute, async (c) => {
      platformAdministrator(c.var.caller);
      const entry = await ports.objects.platform().readOrganization(c.req.valid("param").id);
      if (entry === null) {
        throw new AgentError({ code: "not_found", detail: "The platform does not know this organization." });
      }
      return c.json(organizationView(entry), 200);
    })
    .openapi(putRoute, async (c) => {
      const { name } = platformAdministrator(c.var.caller);
      const settings = settingsOf(c.req.valid("param").id, c.req.valid("json"), ports.clock.nowMs());
      const actor = { kind: "platform", name } as const;
      const entry = await ports.objects.platform().putOrganization({ ...settings, actor });
      termsCache.keep(entry.terms);
      c.var.log.info("organization set", { organizationId: entry.organizationId, tier: entry.tier, actor: name });
      return c.json(organizationView(entry), 200);
    });
}
