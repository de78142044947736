/** Consumer of `agent-jobs`: a message names a dispatch; whether it still counts, the organization's object says. */
import type { ClaimAnswer } from "../contracts/organization-rpc.ts";
import { jobMessageSchema, type JobMessage } from "../contracts/queue-messages.ts";
import { describeError } from "../core/errors.ts";
import {
  acknowledged,
  decideDeliveries,
  retryLater,
  settleBatch,
  type Delivery,
  type QueueBatch,
} from "./deliveries.ts";
import { runSlice } from "./run-slice.ts";
import type { SlicePorts } from "./slice.ts";

/** Claims and runs. Before the claim a fault costs a redelivery; after it the lease's end brings the job back. */
async function handleJob(ports: SlicePorts, message: JobMessage, attempts: number): Promise<Delivery> {
  const { organizationId, jobId, dispatchId, correlationId } = message;
  const logger = ports.logger.with({ correlationId, organizationId, jobId, dispatchId });
  let answer: ClaimAnswer;
  try {
    answer = await ports.objects.organization(organizationId).claim({ organizationId, jobId, dispatchId });
  } catch (error) {
    logger.warn("claim failed", { attempts, error: describeError(error) });
    return retryLater(attempts);
  }
  if (answer.kind === "stale") {
    logger.info("stale dispatch dropped");
    return acknowledged;
  }
  try {
    await runSlice(ports, organizationId, answer.assignment);
  } catch (error) {
    logger.error("slice could not report", { epoch: answer.assignment.epoch, error: describeError(error) });
  }
  return acknowledged;
}

/** Decides a batch of `agent-jobs`. */
export async function consumeJobs(ports: SlicePorts, batch: QueueBatch): Promise<void> {
  const handle = (message: JobMessage, attempts: number): Promise<Delivery> => handleJob(ports, message, attempts);
  settleBatch(batch, await decideDeliveries(batch.messages, jobMessageSchema, handle, ports.logger));
}
