/** What is known of a live socket. It stands in the socket's attachment, so that it outlives the object's memory. */
import type { LiveWindow } from "./live-window.ts";

/** The part of a WebSocket that is used here. */
export type ServerSocket = Pick<
  WebSocket,
  "send" | "close" | "readyState" | "serializeAttachment" | "deserializeAttachment"
>;

export interface LiveSocketState<Filter> {
  readonly person: string;
  /** Counts a person's sockets: the smaller is the older. */
  readonly ordinal: number;
  readonly filter: Filter;
  /** The same text for the same filter; frames are shared by it. */
  readonly filterKey: string;
  /** Everything up to this number was sent or is not for this socket. */
  readonly positionSeq: number;
  /** Number that the next frame of events names as `prevSeq`. */
  readonly sentSeq: number;
  /** While a snapshot is being sent: the id of the last issue looked at. */
  readonly snapshotAfterId: string | null;
  readonly window: LiveWindow;
}

const openState = 1;

/** The states of sockets, read from an attachment once per instance of the object. */
export class LiveSocketStates<Filter> {
  readonly #known = new WeakMap<ServerSocket, LiveSocketState<Filter>>();

  /** The state of a socket; null for one that is closing, or is no live socket yet. */
  of(socket: ServerSocket): LiveSocketState<Filter> | null {
    if (socket.readyState !== openState) return null;
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `set` writes attachments, and writes this type
    const stored = socket.deserializeAttachment() as LiveSocketState<Filter> | null;
    if (stored !== null) this.#known.set(socket, stored);
    return stored;
  }

  set(socket: ServerSocket, state: LiveSocketState<Filter>): void {
    this.#known.set(socket, state);
    socket.serializeAttachment(state);
  }
}
