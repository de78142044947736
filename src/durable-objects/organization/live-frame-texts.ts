/** The texts of frames, made once per round and shared by the sockets that need the same. */
import type { LiveFrame } from "../../contracts/live-frames.ts";
import type { LiveFeed } from "./live-feed.ts";
import type { LiveSocketState } from "./live-socket-state.ts";

export interface FrameText {
  readonly text: string;
  readonly bytes: number;
}

interface EventsText {
  /** Null when there is nothing for this filter. */
  readonly frame: FrameText | null;
  readonly lastSeq: number | null;
  readonly throughSeq: number;
}

interface SnapshotText {
  readonly frame: FrameText;
  readonly nextAfterId: string | null;
}

const encoder = new TextEncoder();

function measured(text: string): FrameText {
  return { text, bytes: encoder.encode(text).byteLength };
}

export function frameText(frame: LiveFrame): FrameText {
  return measured(JSON.stringify(frame));
}

export class FrameTexts {
  readonly #feed: LiveFeed;
  readonly #events = new Map<string, EventsText>();
  readonly #snapshots = new Map<string, SnapshotText>();

  constructor(feed: LiveFeed) {
    this.#feed = feed;
  }

  /** The next events of a socket. */
  events(state: LiveSocketState): EventsText {
    const key = `${state.positionSeq}:${state.sentSeq}:${state.filterKey}`;
    const known = this.#events.get(key);
    if (known !== undefined) return known;
    const { json, lastSeq, throughSeq } = this.#feed.batch(state, state.positionSeq);
    // The stored texts are JSON already: they are joined, not parsed.
    const frame = json === "" ? null : measured(`{"kind":"events","prevSeq":${state.sentSeq},"events":[${json}]}`);
    const made = { frame, lastSeq, throughSeq };
    this.#events.set(key, made);
    return made;
  }

  /** The next page of a socket's snapshot, as of the event `seq`. */
  snapshot(state: LiveSocketState, afterId: string, seq: number): SnapshotText {
    const key = `${afterId}:${state.filterKey}`;
    const known = this.#snapshots.get(key);
    if (known !== undefined) return known;
    const { issues, nextAfterId } = this.#feed.snapshotPage(state, afterId);
    const frame = frameText({ kind: "snapshot", seq, issues: [...issues], isLast: nextAfterId === null });
    const made = { frame, nextAfterId };
    this.#snapshots.set(key, made);
    return made;
  }
}
