/** The bare Worker before the bare objects. */
import type { BroadcastFloor } from "./broadcast-floor.ts";
import type { RowTemplate } from "./row-template.ts";
import type { InsertFloor, SubmissionFloor } from "./submission-floor.ts";

export { BroadcastFloor } from "./broadcast-floor.ts";
export { InsertFloor, SubmissionFloor } from "./submission-floor.ts";

interface FloorEnv {
  readonly SUBMISSIONS: DurableObjectNamespace<SubmissionFloor>;
  readonly INSERTS: DurableObjectNamespace<InsertFloor>;
  readonly BROADCASTS: DurableObjectNamespace<BroadcastFloor>;
}

const onlyObject = "floor";

export default {
  fetch: async (request, env) => {
    switch (new URL(request.url).pathname) {
      case "/prepare":
        await env.SUBMISSIONS.getByName(onlyObject).prepare(await request.json<readonly RowTemplate[]>());
        return new Response(null, { status: 204 });
      case "/rows":
        return accepted(await env.SUBMISSIONS.getByName(onlyObject).write(await request.text()));
      case "/insert":
        return accepted(await env.INSERTS.getByName(onlyObject).write(await request.text()));
      case "/two-calls":
        return Response.json({
          durationMs: await durationOfTwoCalls(env, await request.json<{ readonly times: number }>()),
        });
      case "/live":
        return env.BROADCASTS.getByName(onlyObject).fetch(request);
      case "/broadcast": {
        const { text, times } = await request.json<{ readonly text: string; readonly times: number }>();
        await env.BROADCASTS.getByName(onlyObject).broadcast(text, times);
        return new Response(null, { status: 204 });
      }
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<FloorEnv>;

function accepted(id: string): Response {
  return Response.json({ id }, { status: 202 });
}

/** Two calls of bare objects, one after the other, so many times; each writes a row. The time is that of one pair. */
async function durationOfTwoCalls({ INSERTS }: FloorEnv, { times }: { readonly times: number }): Promise<number> {
  const startedAtMs = performance.now();
  for (let time = 0; time < times; time += 1) {
    await INSERTS.getByName("platform").write("report");
    await INSERTS.getByName("organization").write("grant");
  }
  return (performance.now() - startedAtMs) / times;
}
