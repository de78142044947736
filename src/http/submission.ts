/** From a request to the object's command, and from its receipt to what is answered; the same for one and for many. */
import type { z } from "zod";
import type { AgentPort } from "../contracts/agent-port.ts";
import { apiBasePath, type SubmitRequest } from "../contracts/http.ts";
import type { submitResponseSchema } from "../contracts/http-views.ts";
import type { SubmitCommand, SubmitReceipt } from "../contracts/organization-rpc.ts";
import { sealTerms, type Terms } from "../contracts/terms.ts";
import { idempotentRequest } from "./idempotent-request.ts";
import type { TenantAccess } from "./permissions.ts";
import type { FieldError } from "./problems.ts";
import { redactedSubmission } from "./redacted-submission.ts";
import { allowanceView } from "./views.ts";

interface SubmissionParts {
  readonly access: TenantAccess;
  readonly request: SubmitRequest;
  readonly terms: Terms;
  readonly correlationId: string;
  readonly idempotencyKey: string | undefined;
}

function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}

/** Ids of the agents that a caller may name: tenant-level, and none of the system's own. */
export function callableAgents(agents: AgentPort): ReadonlySet<string> {
  return new Set(agents.available("*").map(({ id }) => id));
}

/** What is wrong with an agent that cannot be asked for; null when it can be, or when none was. */
export function agentError(
  { agentType }: Pick<SubmitRequest, "agentType">,
  agentTypes: ReadonlySet<string>,
): FieldError | null {
  if (agentType === undefined || agentTypes.has(agentType)) return null;
  return { field: "agentType", message: "is not an agent that can be asked for" };
}

/** A submission as it goes to the object. */
export interface PreparedSubmission {
  readonly command: SubmitCommand;
  /** Fields that secrets were taken out of. */
  readonly redacted: readonly string[];
}

/** The object's command for a request that a person or a platform administrator made, without the secrets in it. */
export function prepareSubmission(parts: SubmissionParts): PreparedSubmission {
  const { access, request: body, terms, correlationId, idempotencyKey } = parts;
  const { request, redacted } = redactedSubmission(body);
  const command: SubmitCommand = {
    organizationId: access.organizationId,
    terms: sealTerms(terms),
    source: "MANUAL",
    type: request.type,
    priority: request.priority,
    title: request.title,
    description: request.description,
    context: request.context,
    externalId: request.externalId ?? null,
    requestedAgentType: request.agentType ?? null,
    requestedModel: request.model ?? null,
    notBeforeMs: timeOf(request.notBefore),
    expiresAtMs: timeOf(request.expiresAt),
    concurrencyKey: request.concurrencyKey ?? null,
    maxCostMicroUsd: request.maxCostMicroUsd ?? null,
    createdById: access.createdById,
    submitterLevel: access.submitterLevel,
    correlationId,
    idempotency: idempotencyKey === undefined ? null : idempotentRequest(access, idempotencyKey, body),
  };
  return { command, redacted };
}

/** Where an issue can be read and watched, on the host that was asked. */
function issueUrls(requestUrl: string, issueId: string): { readonly trackingUrl: string; readonly liveUrl: string } {
  const { origin } = new URL(requestUrl);
  const liveOrigin = origin.replace(/^http/u, "ws");
  return {
    trackingUrl: `${origin}${apiBasePath}/${issueId}`,
    liveUrl: `${liveOrigin}${apiBasePath}/live?issueId=${issueId}&after=0`,
  };
}

export function receiptView(
  receipt: SubmitReceipt,
  redacted: readonly string[],
  requestUrl: string,
): z.infer<typeof submitResponseSchema> {
  const { issueId: id, jobId, status, position, rate, quota } = receipt;
  return {
    id,
    jobId,
    status,
    position,
    estimatedWaitSeconds: null,
    ...issueUrls(requestUrl, id),
    rate: allowanceView(rate),
    quota: allowanceView(quota),
    redacted: [...redacted],
  };
}
