/** Consumer of `agent-effects`: does to the outside world what a person approved. */
import type { EffectClaim, EffectOutcome, OrganizationRpc } from "../contracts/organization-rpc.ts";
import { GitHubError, type GitHubPort } from "../contracts/ports.ts";
import { effectMessageSchema, type EffectMessage } from "../contracts/queue-messages.ts";
import type { PullRequestPlan } from "../contracts/records.ts";
import type { Timings } from "../contracts/timings.ts";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import {
  acknowledged,
  decideDeliveries,
  retryLater,
  settleBatch,
  type Delivery,
  type QueueBatch,
} from "./deliveries.ts";
import { keepLease } from "./lease.ts";
import { repeatCall } from "./repeat-call.ts";

/** What an effect asks of its organization's object. */
type EffectsOrganization = Pick<OrganizationRpc, "claimEffect" | "renewEffect" | "finishEffect">;

export interface EffectsPorts {
  readonly objects: { organization(organizationId: string): EffectsOrganization };
  /** Null when the integration is absent. */
  readonly gitHub: GitHubPort | null;
  readonly clock: Clock;
  readonly timings: Pick<Timings, "leaseMs" | "heartbeatMs">;
  readonly logger: Logger;
}

/** What came of the calls. Whatever is not GitHub's own refusal may have another cause the next time. */
async function openPullRequest(
  gitHub: GitHubPort | null,
  plan: PullRequestPlan,
  logger: Logger,
): Promise<EffectOutcome["outcome"]> {
  if (gitHub === null) {
    const error = { reason: "integration_off", message: "The GitHub integration is not configured." };
    return { kind: "permanent", error };
  }
  try {
    return { kind: "completed", result: await gitHub.openPullRequest(plan) };
  } catch (error) {
    logger.warn("pull request not opened", { error: describeError(error) });
    if (!(error instanceof GitHubError)) {
      const message = "Something went wrong on our side.";
      return { kind: "transient", error: { reason: "internal", message }, retryAfterMs: null };
    }
    const reported = { reason: error.reason, message: `GitHub did not take the change (${error.reason}).` };
    return error.transient
      ? { kind: "transient", error: reported, retryAfterMs: error.retryAfterMs }
      : { kind: "permanent", error: reported };
  }
}

/**
 * Does the effect under its lease. A lost lease stops nothing: a call may already have left, the next holder adopts what
 * it finds, and the object refuses the older epoch's report.
 */
async function runEffect(
  ports: EffectsPorts,
  message: EffectMessage,
  claim: Extract<EffectClaim, { kind: "claimed" }>,
  logger: Logger,
): Promise<void> {
  const { organizationId, effectId } = message;
  const { clock, timings } = ports;
  const ref = { organizationId, effectId, epoch: claim.epoch };
  const organization = (): EffectsOrganization => ports.objects.organization(organizationId);
  const done = new AbortController();
  const renew = (): ReturnType<OrganizationRpc["renewEffect"]> => organization().renewEffect(ref);
  const lease = keepLease({ renew, timings, clock, logger, until: done.signal });
  const outcome = await openPullRequest(ports.gitHub, claim.plan, logger);
  done.abort();
  if ((await lease) === "lost") logger.warn("effect lease lost on the way");
  const { accepted } = await repeatCall(() => organization().finishEffect({ ...ref, outcome }), logger);
  logger.info("effect ended", { outcome: outcome.kind, accepted });
}

async function handleEffect(ports: EffectsPorts, message: EffectMessage, attempts: number): Promise<Delivery> {
  const { organizationId, effectId, correlationId } = message;
  const logger = ports.logger.with({ correlationId, organizationId, effectId });
  let claim: EffectClaim;
  try {
    claim = await ports.objects.organization(organizationId).claimEffect({ organizationId, effectId });
  } catch (error) {
    logger.warn("effect claim failed", { attempts, error: describeError(error) });
    return retryLater(attempts);
  }
  if (claim.kind === "stale") {
    logger.info("stale effect dropped");
    return acknowledged;
  }
  try {
    await runEffect(ports, message, claim, logger.with({ issueId: claim.issueId, epoch: claim.epoch }));
  } catch (error) {
    logger.error("effect could not report", { epoch: claim.epoch, error: describeError(error) });
  }
  return acknowledged;
}

/** Decides a batch of `agent-effects`. */
export async function consumeEffects(ports: EffectsPorts, batch: QueueBatch): Promise<void> {
  const handle = (message: EffectMessage, attempts: number): Promise<Delivery> =>
    handleEffect(ports, message, attempts);
  settleBatch(batch, await decideDeliveries(batch.messages, effectMessageSchema, handle, ports.logger));
}
