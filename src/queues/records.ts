/** Consumer of `agent-records`: brings Postgres up to an organization's event log. */
import type { OrganizationRpc } from "../contracts/organization-rpc.ts";
import type { EventSource, ProjectionPort } from "../contracts/ports.ts";
import { recordsMessageSchema, type RecordsMessage } from "../contracts/queue-messages.ts";
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

/** What a projection asks of the organization's object. */
export interface RecordsObjects {
  organization(organizationId: string): Pick<OrganizationRpc, "readEvents" | "readBodies" | "confirmProjected">;
}

export interface RecordsPorts {
  readonly objects: RecordsObjects;
  readonly projection: ProjectionPort;
  readonly logger: Logger;
}

function eventSource(objects: RecordsObjects, organizationId: string): EventSource {
  return {
    events: (after, limit) => objects.organization(organizationId).readEvents({ organizationId, after, limit }),
    bodies: (bodyIds) => objects.organization(organizationId).readBodies({ organizationId, bodyIds }),
  };
}

async function handleRecords(
  { objects, projection, logger }: RecordsPorts,
  { organizationId }: RecordsMessage,
  attempts: number,
): Promise<Delivery> {
  try {
    const cursor = await projection.project(organizationId, eventSource(objects, organizationId));
    await objects.organization(organizationId).confirmProjected({ organizationId, ...cursor });
    logger.info("events projected", { organizationId, seq: cursor.seq });
    return acknowledged;
  } catch (error) {
    const delivery = retryLater(attempts);
    const delaySeconds = delivery.kind === "retry" ? delivery.delaySeconds : 0;
    logger.warn("projection postponed", { organizationId, attempts, delaySeconds, error: describeError(error) });
    return delivery;
  }
}

/** Decides a batch of `agent-records`. Several messages of one organization are one projection. */
export async function consumeRecords(ports: RecordsPorts, batch: QueueBatch): Promise<void> {
  const decided = new Map<string, Delivery>();
  const handle = async (message: RecordsMessage, attempts: number): Promise<Delivery> => {
    const known = decided.get(message.organizationId);
    if (known !== undefined) return known;
    const delivery = await handleRecords(ports, message, attempts);
    decided.set(message.organizationId, delivery);
    return delivery;
  };
  settleBatch(batch, await decideDeliveries(batch.messages, recordsMessageSchema, handle, ports.logger));
}
