/** Reads an isolate's heap through the runtime's inspector. */
import { once } from "node:events";
import { type RawData, WebSocket } from "ws";
import { z } from "zod";
import { textOf } from "./harness-sockets.ts";

const targetsSchema = z.array(z.object({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const heapUsageSchema = z.object({ usedSize: z.number() });
const answerSchema = z.object({ id: z.int(), result: z.unknown().optional() });

/** Bytes that live objects take in the heap of a service's isolate: everything else is collected first. */
export async function heapBytesAfterCollection(inspectorPort: number, service: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const target = targetsSchema.parse(await response.json()).find(({ id }) => id === service);
  if (target === undefined) throw new Error(`the inspector knows no isolate ${service}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, "open");
  try {
    await call(socket, 1, "HeapProfiler.enable");
    // The runtime never answers `collectGarbage`; a snapshot begins with a full collection too.
    await call(socket, 2, "HeapProfiler.takeHeapSnapshot");
    return heapUsageSchema.parse(await call(socket, 3, "Runtime.getHeapUsage")).usedSize;
  } finally {
    socket.terminate();
  }
}

async function call(socket: WebSocket, id: number, method: string): Promise<unknown> {
  const answer = new Promise<unknown>((resolve) => {
    const listen = (data: RawData): void => {
      const parsed = answerSchema.safeParse(JSON.parse(textOf(data)));
      if (!parsed.success || parsed.data.id !== id) return;
      socket.off("message", listen);
      resolve(parsed.data.result);
    };
    socket.on("message", listen);
  });
  socket.send(JSON.stringify({ id, method }));
  return answer;
}
