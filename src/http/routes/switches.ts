import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import {
  idempotencyHeadersSchema,
  idempotencyReplayedHeader,
  idParamsSchema,
  isId,
  noQuerySchema,
} from "../../contracts/http.ts";
import {
  adminRequestSchema,
  adminResponseSchema,
  removeSwitchQuerySchema,
  setSwitchRequestSchema,
  switchListSchema,
  switchViewSchema,
} from "../../contracts/http-switches.ts";
import type { SwitchActor } from "../../contracts/switches.ts";
import { AgentError } from "../../core/errors.ts";
import { redactText } from "../../core/redaction/redact.ts";
import type { CallerEnv } from "../edge-env.ts";
import { idempotentRequest } from "../idempotent-request.ts";
import { administeredScope, personOf, platformAdministrator } from "../permissions.ts";
import type { AppPorts } from "../ports.ts";
import { valueOf } from "../problems.ts";
import { switchView } from "../switch-views.ts";
import type { TermsCache } from "../terms-cache.ts";
import { callerSecurity } from "./caller-security.ts";
import { jsonBody, jsonContent } from "./json-content.ts";
import { bodyProblems, callerProblems } from "./problem-responses.ts";
import { replayHeaders } from "./submission-answers.ts";

const adminRoute = createRoute({
  method: "post",
  path: "/admin",
  operationId: "administer",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Pause, resume, drain or clear an organization or the platform",
  request: { query: noQuerySchema, body: jsonBody(adminRequestSchema) },
  responses: {
    200: jsonContent(adminResponseSchema, "What now stands for this scope"),
    ...bodyProblems("not_found", "conflict"),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/admin/switches",
  operationId: "listSwitches",
  tags: ["admin"],
  security: callerSecurity,
  summary: "List the switches; with X-Organization-Id, those that concern the organization",
  request: { query: noQuerySchema },
  responses: { 200: jsonContent(switchListSchema, "Switches, oldest first"), ...callerProblems() },
});

const setRoute = createRoute({
  method: "post",
  path: "/admin/switches",
  operationId: "setSwitch",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Set a switch",
  request: { query: noQuerySchema, headers: idempotencyHeadersSchema, body: jsonBody(setSwitchRequestSchema) },
  responses: {
    201: { ...jsonContent(switchViewSchema, "The switch"), headers: replayHeaders },
    ...bodyProblems("conflict", "idempotency_key_reused"),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/admin/switches/{id}",
  operationId: "removeSwitch",
  tags: ["admin"],
  security: callerSecurity,
  summary: "Remove a switch",
  request: { params: idParamsSchema, query: removeSwitchQuerySchema },
  responses: {
    200: jsonContent(switchViewSchema, "The switch that was removed"),
    ...callerProblems("not_found", "conflict"),
  },
});

/** Switches, and the actions that write them. A change reaches the edge's own terms at once, other edges' in ten seconds. */
export function switchRoutes(ports: AppPorts, termsCache: TermsCache): OpenAPIHono<CallerEnv> {
  const platform = () => ports.objects.platform();
  return new OpenAPIHono<CallerEnv>()
    .openapi(adminRoute, async (c) => {
      const { action, scope: asked, reason: given } = c.req.valid("json");
      const reason = redactText(given);
      const { scope, actor } = administeredScope(c.var.caller, asked);
      const switches = valueOf(await platform().administer({ action, scope, actor, reason }));
      termsCache.forget();
      c.var.log.info("administered", { action, scope: scope.kind, actor: actor.name, reason });
      return c.json({ action, scope, switches: switches.map(switchView) }, 200);
    })
    .openapi(listRoute, async (c) => {
      const { organizationId } = platformAdministrator(c.var.caller);
      const switches = await platform().readSwitches(organizationId);
      return c.json({ items: switches.map(switchView) }, 200);
    })
    .openapi(setRoute, async (c) => {
      const administrator = platformAdministrator(c.var.caller);
      const actor: SwitchActor = { kind: "platform", name: administrator.name };
      const { scope, mode, reason: given, expiresAt } = c.req.valid("json");
      const reason = redactText(given);
      const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt);
      const idempotencyKey = c.req.valid("header")["idempotency-key"];
      const once =
        idempotencyKey === undefined
          ? {}
          : {
              idempotency: idempotentRequest(
                { keyOwner: personOf(administrator) },
                idempotencyKey,
                c.req.valid("json"),
              ),
            };
      const command = { scope, mode, actor, reason, expiresAtMs, ...once };
      const { replayed, ...added } = valueOf(await platform().setSwitch(command));
      if (replayed) c.header(idempotencyReplayedHeader, "true");
      termsCache.forget();
      c.var.log.info("switch set", { switchId: added.id, mode, scope: scope.kind, actor: actor.name, reason });
      return c.json(switchView(added), 201);
    })
    .openapi(removeRoute, async (c) => {
      const actor: SwitchActor = { kind: "platform", name: platformAdministrator(c.var.caller).name };
      const { id: switchId } = c.req.valid("param");
      const reason = redactText(c.req.valid("query").reason);
      if (!isId("switch", switchId)) {
        throw new AgentError({ code: "not_found", detail: "There is no such switch." });
      }
      const removed = valueOf(await platform().removeSwitch({ switchId, actor, reason }));
      termsCache.forget();
      c.var.log.info("switch removed", { switchId, actor: actor.name, reason });
      return c.json(switchView(removed), 200);
    });
}
