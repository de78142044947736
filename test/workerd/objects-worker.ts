/** The Worker under test: the three objects on a clock that tests move, and queues that only remember. */
import type { Terms } from "../../src/contracts/terms.ts";
import { OrganizationObject as Organization } from "../../src/durable-objects/organization/organization-object.ts";
import { PlatformObject as Platform } from "../../src/durable-objects/platform/platform-object.ts";
import { recordMessage } from "./received-messages.ts";
import { silentQueuesPrefix, withSilentQueues } from "./silent-queues.ts";
import { testClock } from "./test-clock.ts";
import { assertReachable } from "./unreachable.ts";

export { RepositoryObject } from "../../src/durable-objects/repository/repository-object.ts";

export class OrganizationObject extends Organization {
  constructor(context: DurableObjectState, env: Env) {
    const isSilent = context.id.name?.startsWith(silentQueuesPrefix) === true;
    super(context, isSilent ? withSilentQueues(env) : env, { clock: testClock });
  }

  override async applyTerms(terms: Terms): Promise<void> {
    assertReachable(terms.organizationId);
    await super.applyTerms(terms);
  }
}

export class PlatformObject extends Platform {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env, { clock: testClock });
  }
}

export default {
  fetch: () => new Response("the objects are under test, not the routes", { status: 404 }),
  queue: (batch) => {
    for (const { body } of batch.messages) recordMessage({ queue: batch.queue, body });
  },
} satisfies ExportedHandler<Env>;
