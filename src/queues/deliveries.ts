/** What becomes of each message of a batch, decided apart from the queue: a pure function of messages and handler. */
import type { z } from "zod";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";

/** The parts of a queue's batch that consumers use; Cloudflare's `MessageBatch` is one. */
export interface QueueBatch {
  readonly queue: string;
  readonly messages: readonly QueueMessage[];
}

export interface QueueMessage {
  readonly id: string;
  /** Counts from 1. */
  readonly attempts: number;
  readonly body: unknown;
  ack(): void;
  retry(options: { readonly delaySeconds: number }): void;
}

export type Delivery = { readonly kind: "ack" } | { readonly kind: "retry"; readonly delaySeconds: number };

export const acknowledged: Delivery = { kind: "ack" };

const maxRetryDelaySeconds = 60;

/** Delivered again after 1, 2, 4 … seconds, at most a minute; `attempts` counts from 1. */
export function retryLater(attempts: number): Delivery {
  return { kind: "retry", delaySeconds: Math.min(2 ** (attempts - 1), maxRetryDelaySeconds) };
}

/**
 * Decides message by message, in order. A malformed message is acknowledged, because no delivery can mend it; a handler
 * that throws costs its own message another delivery and its neighbours nothing.
 */
export async function decideDeliveries<Body>(
  messages: readonly Pick<QueueMessage, "id" | "attempts" | "body">[],
  schema: z.ZodType<Body>,
  handle: (body: Body, attempts: number) => Promise<Delivery>,
  logger: Logger,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const { id, attempts, body } of messages) {
    const parsed = schema.safeParse(body);
    if (!parsed.success) {
      logger.error("malformed queue message dropped", { messageId: id, problem: parsed.error.message });
      deliveries.push(acknowledged);
      continue;
    }
    try {
      deliveries.push(await handle(parsed.data, attempts));
    } catch (error) {
      logger.error("queue message failed", { messageId: id, attempts, error: describeError(error) });
      deliveries.push(retryLater(attempts));
    }
  }
  return deliveries;
}

/** Tells the queue. */
export function settleBatch(batch: QueueBatch, deliveries: readonly Delivery[]): void {
  for (const [index, message] of batch.messages.entries()) {
    const delivery = deliveries[index];
    if (delivery === undefined) throw new Error("every message has its delivery");
    if (delivery.kind === "ack") message.ack();
    else message.retry({ delaySeconds: delivery.delaySeconds });
  }
}
