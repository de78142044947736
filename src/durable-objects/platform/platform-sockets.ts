/** The live sockets of operators. All of them see the same: the platform's events, and nothing of a tenant's content. */
import type { PlatformViewer } from "../../contracts/live-viewer.ts";
import type { PlatformFrame, PlatformSnapshot } from "../../contracts/platform-events.ts";
import { frameText } from "../live/frame-text.ts";
import type { ServerSocket } from "../live/live-socket-state.ts";
import { batchOf } from "../live/live-source.ts";
import { LiveStream, type LiveStreamParts } from "../live/live-stream.ts";
import type { PlatformLog } from "./platform-log.ts";

export interface PlatformSocketParts extends Omit<LiveStreamParts<null>, "source"> {
  readonly log: () => PlatformLog;
  readonly snapshot: () => PlatformSnapshot;
}

export class PlatformSockets {
  readonly #stream: LiveStream<null>;

  constructor({ log, snapshot, ...parts }: PlatformSocketParts) {
    this.#stream = new LiveStream<null>({
      ...parts,
      source: {
        incarnation: () => log().incarnation,
        range: () => {
          const { firstSeq, lastSeq } = log().range();
          return { prunedSeq: firstSeq - 1, lastSeq };
        },
        filterKeyOf: () => "",
        batch: (_filter, seq) => batchOf(log().texts(seq), seq, log().lastSeq()),
        snapshotPage: (_filter, _afterId, seq) => {
          const frame: PlatformFrame = { kind: "snapshot", seq, snapshot: snapshot() };
          return { frame: frameText(frame), nextAfterId: null };
        },
        beginsWithSnapshot: true,
      },
    });
  }

  /** Accepts an upgrade: greets, brings the watcher up to date, and follows from there. */
  accept(viewer: PlatformViewer): Response {
    return this.#stream.accept(viewer, null);
  }

  /** Has every socket that is behind brought up to date, at most one frame per round. */
  resume(): void {
    this.#stream.resume();
  }

  /** Closes the sockets whose credential has ended, and tells when the next one's does. */
  closeEnded(nowMs: number): number | null {
    return this.#stream.closeEnded(nowMs);
  }

  /** Takes an acknowledgement; a socket that says anything else is closed. */
  receive(socket: ServerSocket, message: string | ArrayBuffer): void {
    this.#stream.receive(socket, message);
  }
}
