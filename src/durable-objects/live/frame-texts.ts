/** The texts of frames, made once per round and shared by the sockets that need the same. */
import { type FrameText, measured } from "./frame-text.ts";
import type { LiveSource, SnapshotPage } from "./live-source.ts";
import type { LiveSocketState } from "./live-socket-state.ts";

interface EventsText {
  /** Null when there is nothing for this filter. */
  readonly frame: FrameText | null;
  readonly lastSeq: number | null;
  readonly throughSeq: number;
}

export class FrameTexts<Filter> {
  readonly #source: LiveSource<Filter>;
  readonly #events = new Map<string, EventsText>();
  /** What was given out last, because most sockets are where the one before is. */
  #last: { readonly state: LiveSocketState<Filter>; readonly events: EventsText } | null = null;
  readonly #snapshots = new Map<string, SnapshotPage>();

  constructor(source: LiveSource<Filter>) {
    this.#source = source;
  }

  /** The next events of a socket. */
  events(state: LiveSocketState<Filter>): EventsText {
    const last = this.#last;
    if (last !== null && isSamePlace(last.state, state)) return last.events;
    const events = this.#eventsOf(state);
    this.#last = { state, events };
    return events;
  }

  #eventsOf(state: LiveSocketState<Filter>): EventsText {
    const key = `${state.positionSeq}:${state.sentSeq}:${state.filterKey}`;
    const known = this.#events.get(key);
    if (known !== undefined) return known;
    const { json, lastSeq, throughSeq } = this.#source.batch(state.filter, state.positionSeq);
    // The stored texts are JSON already: they are joined, not parsed.
    const frame = json === "" ? null : measured(`{"kind":"events","prevSeq":${state.sentSeq},"events":[${json}]}`);
    const made = { frame, lastSeq, throughSeq };
    this.#events.set(key, made);
    return made;
  }

  /** The next page of a socket's snapshot, as of the event `seq`. */
  snapshot(state: LiveSocketState<Filter>, afterId: string, seq: number): SnapshotPage {
    const key = `${afterId}:${state.filterKey}`;
    const known = this.#snapshots.get(key);
    if (known !== undefined) return known;
    const made = this.#source.snapshotPage(state.filter, afterId, seq);
    this.#snapshots.set(key, made);
    return made;
  }
}

function isSamePlace<Filter>(left: LiveSocketState<Filter>, right: LiveSocketState<Filter>): boolean {
  return left.positionSeq === right.positionSeq && left.sentSeq === right.sentSeq && left.filterKey === right.filterKey;
}
