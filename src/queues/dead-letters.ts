/**
 * Consumer of the dead-letter queues: says aloud what no consumer could take in. Nothing is lost by it, because the
 * objects send again whatever is still due.
 */
import { z } from "zod";
import type { Logger } from "../core/log.ts";
import { acknowledged, decideDeliveries, settleBatch, type QueueBatch } from "./deliveries.ts";

/** Whatever a dead message names of the work that it was about. */
const namedSchema = z
  .object({
    organizationId: z.string(),
    jobId: z.string(),
    dispatchId: z.string(),
    effectId: z.string(),
    correlationId: z.string(),
  })
  .partial()
  .catch({});

/** Logs every message as an error, with the ids that it carries and nothing else of it, and acknowledges it. */
export async function consumeDeadLetters({ logger }: { readonly logger: Logger }, batch: QueueBatch): Promise<void> {
  const { queue } = batch;
  const deliveries = await decideDeliveries(
    batch.messages,
    namedSchema,
    (named, attempts) => {
      logger.error("message given up by its queue", { queue, attempts, ...named });
      return Promise.resolve(acknowledged);
    },
    logger,
  );
  settleBatch(batch, deliveries);
}
