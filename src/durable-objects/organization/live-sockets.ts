/** The live sockets of an organization: its events, and the words of its running models. */
import type { LiveFrame } from "../../contracts/live-frames.ts";
import type { LiveViewer } from "../../contracts/live-viewer.ts";
import { type FrameText, frameText } from "../live/frame-text.ts";
import type { ServerSocket } from "../live/live-socket-state.ts";
import { LiveStream, type LiveStreamParts } from "../live/live-stream.ts";
import type { EventLog } from "./event-log.ts";
import type { LiveFeed, LiveFilter } from "./live-feed.ts";

type TextFrame = LiveFrame & { readonly kind: "text" };

export interface LiveSocketParts extends Omit<LiveStreamParts<LiveFilter>, "source"> {
  readonly feed: LiveFeed;
  readonly log: EventLog;
}

export class LiveSockets {
  readonly #feed: LiveFeed;
  readonly #stream: LiveStream<LiveFilter>;
  /** Words that wait for the next round, by job. */
  readonly #texts = new Map<string, TextFrame>();

  constructor({ feed, log, ...parts }: LiveSocketParts) {
    this.#feed = feed;
    this.#stream = new LiveStream({
      ...parts,
      source: {
        incarnation: () => log.incarnation,
        range: () => ({ prunedSeq: log.prunedSeq(), lastSeq: log.lastSeq() }),
        filterKeyOf: ({ visibility, issueId }) => JSON.stringify([visibility, issueId]),
        batch: (filter, seq) => feed.batch(filter, seq),
        snapshotPage: (filter, afterId, seq) => {
          const { issues, nextAfterId } = feed.snapshotPage(filter, afterId);
          const isLast = nextAfterId === null;
          const frame: LiveFrame = { kind: "snapshot", seq, issues: [...issues], isLast };
          return { frame: frameText(frame), nextAfterId };
        },
        beginsWithSnapshot: false,
        takePassing: () => this.#takeTexts(),
      },
    });
  }

  /** Accepts an upgrade. */
  accept(viewer: LiveViewer): Response {
    return this.#stream.accept(viewer, filterOf(viewer));
  }

  /** Greets an accepted socket; it then gets what its viewer has missed, or a snapshot, and follows from there. */
  open(socket: ServerSocket, viewer: LiveViewer): void {
    this.#stream.open(socket, viewer, filterOf(viewer));
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

  /** Passes a running model's words on with the next round; answers whether anybody watches. */
  publishText(frame: TextFrame): boolean {
    if (!this.#stream.isWatched((filter) => this.#feed.isFor(filter, frame.issueId))) return false;
    const waiting = this.#texts.get(frame.jobId)?.text ?? "";
    this.#texts.set(frame.jobId, { ...frame, text: waiting + frame.text });
    this.resume();
    return true;
  }

  #takeTexts(): (filter: LiveFilter) => readonly FrameText[] {
    const texts = [...this.#texts.values()].map((frame) => ({ issueId: frame.issueId, text: frameText(frame) }));
    this.#texts.clear();
    return (filter) => texts.flatMap(({ issueId, text }) => (this.#feed.isFor(filter, issueId) ? text : []));
  }
}

function filterOf({ visibility, issueId }: LiveViewer): LiveFilter {
  return { visibility, issueId };
}
