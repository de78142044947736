/** Takes the queues' messages, and ends the jobs as a consumer would, without a model. */
import { WorkerEntrypoint } from "cloudflare:workers";
import { jobMessageSchema } from "../../src/contracts/queue-messages.ts";
import { createObjectClients, type ObjectNamespaces } from "../../src/durable-objects/clients.ts";
import { JobRunner } from "./job-runner.ts";

/** What happened since the driver was told last; this isolate's memory is the benchmark's. */
const runner = new JobRunner();

/** What the runtime expects of a queue that has taken a message. */
function taken(): Response {
  return Response.json({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
}

/** A queue that nobody reads. */
export class IgnoredQueue extends WorkerEntrypoint {
  override fetch(): Response {
    return taken();
  }
}

/** The jobs' queue: each message is worked on beside the answer to its sender. */
export class JobsQueue extends WorkerEntrypoint<ObjectNamespaces> {
  override async fetch(request: Request): Promise<Response> {
    const message = jobMessageSchema.parse(await request.json());
    this.ctx.waitUntil(runner.take(message, createObjectClients(this.env)));
    return taken();
  }
}

export default {
  fetch: async (request, env) => {
    const clients = createObjectClients(env);
    switch (new URL(request.url).pathname) {
      case "/open":
        await runner.open(clients);
        return new Response(null, { status: 204 });
      case "/progress":
        return Response.json({ finished: runner.finished() });
      case "/result":
        return Response.json(runner.result());
      case "/checkpoint":
        await runner.checkpoint(clients, await request.json<{ readonly events: number }>());
        return new Response(null, { status: 204 });
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<ObjectNamespaces>;
