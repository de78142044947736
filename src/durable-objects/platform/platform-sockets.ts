/** The live sockets of operators. They hibernate with the object; all of them are sent the same frames. */
import type { PlatformViewer } from "../../contracts/live-viewer.ts";
import type { PlatformEvent, PlatformFrame, PlatformSnapshot } from "../../contracts/platform-events.ts";
import { describeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { decideLiveStart } from "../live-start.ts";
import type { PlatformLog } from "./platform-log.ts";

const replayPageEvents = 500;

export interface PlatformSocketParts {
  readonly context: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets">;
  readonly log: () => PlatformLog;
  readonly snapshot: () => PlatformSnapshot;
  readonly logger: Logger;
}

export class PlatformSockets {
  readonly #parts: PlatformSocketParts;

  constructor(parts: PlatformSocketParts) {
    this.#parts = parts;
  }

  /** Accepts an upgrade: greets, brings the watcher up to date, and follows from there. */
  accept(viewer: PlatformViewer): Response {
    const log = this.#parts.log();
    const { 0: client, 1: server } = new WebSocketPair();
    this.#parts.context.acceptWebSocket(server);
    const { firstSeq, lastSeq } = log.range();
    const { incarnation } = log;
    this.#send(server, { kind: "hello", incarnation, firstSeq, lastSeq });
    const start = decideLiveStart(viewer, { incarnation, prunedSeq: firstSeq - 1, lastSeq });
    if (start.kind === "follow" && viewer.after !== null) this.#replay(server, start.afterSeq);
    else {
      if (start.kind === "reset") this.#send(server, { kind: "reset", reason: start.reason });
      this.#send(server, { kind: "snapshot", seq: lastSeq, snapshot: this.#parts.snapshot() });
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Sends the events of one transaction to everyone, as one frame. */
  publish(events: readonly PlatformEvent[]): void {
    const sockets = this.#parts.context.getWebSockets();
    const [first] = events;
    if (sockets.length === 0 || first === undefined) return;
    const frame = JSON.stringify({ kind: "events", prevSeq: first.seq - 1, events } satisfies PlatformFrame);
    for (const socket of sockets) this.#sendText(socket, frame);
  }

  #replay(socket: WebSocket, after: number): void {
    for (let prevSeq = after; ;) {
      const events = this.#parts.log().after(prevSeq, replayPageEvents);
      const last = events.at(-1);
      if (last === undefined) return;
      this.#send(socket, { kind: "events", prevSeq, events });
      prevSeq = last.seq;
    }
  }

  #send(socket: WebSocket, frame: PlatformFrame): void {
    this.#sendText(socket, JSON.stringify(frame));
  }

  #sendText(socket: WebSocket, frame: string): void {
    try {
      socket.send(frame);
    } catch (error) {
      this.#parts.logger.info("socket.gone", { error: describeError(error) });
    }
  }
}
