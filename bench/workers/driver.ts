/** Takes the queues' messages, and ends the jobs as a consumer would, without a model. */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { ObjectClients } from "../../src/contracts/ports.ts";
import { type JobMessage, jobMessageSchema } from "../../src/contracts/queue-messages.ts";
import { createObjectClients, type ObjectNamespaces } from "../../src/durable-objects/clients.ts";
import { JobRunner } from "./job-runner.ts";
import { type BareRun, runBare, runEngine } from "./turns.ts";

/** What happened since the driver was told last; this isolate's memory is the benchmark's. */
const runner = new JobRunner();
/** Where the model is that real slices call; null while the driver ends jobs without one. */
let modelUrl: string | null = null;
let runningSlices = 0;

async function slice(url: string, message: JobMessage, clients: ObjectClients): Promise<void> {
  runningSlices += 1;
  try {
    await runEngine(url, message, clients);
  } finally {
    runningSlices -= 1;
  }
}

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
    const clients = createObjectClients(this.env);
    this.ctx.waitUntil(modelUrl === null ? runner.take(message, clients) : slice(modelUrl, message, clients));
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
      case "/engine":
        ({ modelUrl } = await request.json<{ readonly modelUrl: string }>());
        return new Response(null, { status: 204 });
      case "/slices":
        return Response.json({ running: runningSlices });
      case "/bare":
        await runBare(await request.json<BareRun>(), clients);
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
