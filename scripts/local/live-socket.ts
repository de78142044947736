/** Reads an organization's live stream. */
import { on, once } from "node:events";
import { WebSocket } from "ws";
import type { z } from "zod";
import { apiBasePath } from "../../src/contracts/http.ts";
import { type liveAckSchema, liveFrameSchema, type LiveFrame } from "../../src/contracts/live-frames.ts";
import { callerHeaders, type ApiCaller } from "./api-client.ts";

export interface LiveRequest {
  /** Number of the last event seen; everything after it is replayed first. */
  readonly after?: number;
  /** Of which incarnation of the log it is a number. */
  readonly incarnation?: string;
  /** Frames of this issue only. */
  readonly issueId?: string;
}

export interface LiveSocket {
  /** Frames in order; ends when the socket closes. One reader only. */
  readonly frames: AsyncIterable<LiveFrame>;
  /** Says that everything up to this number was read, so that the server goes on sending. */
  acknowledge(seq: number): void;
  close(): void;
}

/** Opens the stream and resolves when it is open. Rejects when the upgrade is refused. */
export async function openLiveSocket(caller: ApiCaller, request: LiveRequest = {}): Promise<LiveSocket> {
  const url = new URL(`${apiBasePath}/live`, caller.url.replace(/^http/u, "ws"));
  for (const [name, value] of Object.entries(request)) url.searchParams.set(name, String(value));
  const socket = new WebSocket(url, { headers: callerHeaders(caller) });
  // Listening begins before the socket opens, so that no frame is missed.
  const messages = on(socket, "message", { close: ["close"] });
  await once(socket, "open");
  const acknowledge = (seq: number): void => {
    const message: z.infer<typeof liveAckSchema> = { ack: seq };
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  return { frames: parsedFrames(messages), acknowledge, close: () => socket.close() };
}

async function* parsedFrames(messages: AsyncIterable<unknown[]>): AsyncGenerator<LiveFrame> {
  for await (const [data] of messages) yield liveFrameSchema.parse(JSON.parse(String(data)));
}
