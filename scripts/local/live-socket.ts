/** Reads an organization's live stream. */
import { on, once } from "node:events";
import { WebSocket } from "ws";
import { z } from "zod";
import { organizationEventSchema, type LiveFrame } from "../../src/contracts/events.ts";
import { apiBasePath } from "../../src/contracts/http.ts";
import { callerHeaders, type ApiCaller } from "./api-client.ts";

export interface LiveRequest {
  /** Number of the last event seen; everything after it is replayed first. */
  readonly after?: number;
  /** Frames of this issue only. */
  readonly issueId?: string;
}

export interface LiveSocket {
  /** Frames in order; ends when the socket closes. One reader only. */
  readonly frames: AsyncIterable<LiveFrame>;
  close(): void;
}

const frameSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("hello"), incarnation: z.string(), lastSeq: z.int() }),
  z.object({ kind: z.literal("event"), prevSeq: z.int(), event: organizationEventSchema }),
  z.object({ kind: z.literal("text"), issueId: z.string(), jobId: z.string(), text: z.string() }),
]) satisfies z.ZodType<LiveFrame>;

/** Opens the stream and resolves when it is open. Rejects when the upgrade is refused. */
export async function openLiveSocket(caller: ApiCaller, request: LiveRequest = {}): Promise<LiveSocket> {
  const url = new URL(`${apiBasePath}/live`, caller.url.replace(/^http/u, "ws"));
  for (const [name, value] of Object.entries(request)) url.searchParams.set(name, String(value));
  const socket = new WebSocket(url, { headers: callerHeaders(caller) });
  // Listening begins before the socket opens, so that no frame is missed.
  const messages = on(socket, "message", { close: ["close"] });
  await once(socket, "open");
  return { frames: parsedFrames(messages), close: () => socket.close() };
}

async function* parsedFrames(messages: AsyncIterable<unknown[]>): AsyncGenerator<LiveFrame> {
  for await (const [data] of messages) yield frameSchema.parse(JSON.parse(String(data)));
}
