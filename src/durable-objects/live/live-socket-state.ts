/** What is known of a live socket. It stands in the socket's attachment, so that it outlives the object's memory. */
import { fromStoredJson } from "../stored-json.ts";
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
  /** When the credential ends that it was opened with. */
  readonly closesAtMs: number;
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

/** The part of a state that stays as it was when the socket was opened. */
type Viewer<Filter> = Pick<LiveSocketState<Filter>, "person" | "ordinal" | "closesAtMs" | "filter" | "filterKey">;

interface Known<Filter> {
  state: LiveSocketState<Filter>;
  /** The state's viewer as JSON. */
  readonly viewerText: string;
}

/**
 * The states of sockets, read from an attachment once per instance of the object. An attachment is two lines of text: the
 * viewer, and the numbers that every frame moves. A text is attached much faster than an object, which is cloned.
 */
export class LiveSocketStates<Filter> {
  readonly #known = new WeakMap<ServerSocket, Known<Filter>>();

  /** The state of a socket; null for one that is closing, or is no live socket yet. */
  of(socket: ServerSocket): LiveSocketState<Filter> | null {
    if (socket.readyState !== openState) return null;
    const known = this.#known.get(socket);
    if (known !== undefined) return known.state;
    const attached: unknown = socket.deserializeAttachment();
    if (typeof attached !== "string") return null;
    const read = knownOf<Filter>(attached);
    this.#known.set(socket, read);
    return read.state;
  }

  /** Keeps a socket's state; its viewer stays the one that it was set with first. */
  set(socket: ServerSocket, state: LiveSocketState<Filter>): void {
    const known = this.#known.get(socket);
    const viewerText = known?.viewerText ?? viewerTextOf(state);
    if (known === undefined) this.#known.set(socket, { state, viewerText });
    else known.state = state;
    socket.serializeAttachment(`${viewerText}\n${placeText(state)}`);
  }
}

function viewerTextOf<Filter>({ person, ordinal, closesAtMs, filter, filterKey }: LiveSocketState<Filter>): string {
  return JSON.stringify({ person, ordinal, closesAtMs, filter, filterKey } satisfies Viewer<Filter>);
}

function placeText<Filter>({ positionSeq, sentSeq, snapshotAfterId, window }: LiveSocketState<Filter>): string {
  const { unackedBytes, markSeq, bytesSinceMark } = window;
  const afterId = snapshotAfterId === null ? "null" : JSON.stringify(snapshotAfterId);
  return `[${positionSeq},${sentSeq},${unackedBytes},${markSeq},${bytesSinceMark},${afterId}]`;
}

/** JSON holds no line break, so the first one parts viewer and place. */
function knownOf<Filter>(attached: string): Known<Filter> {
  const end = attached.indexOf("\n");
  const viewerText = attached.slice(0, end);
  const [positionSeq, sentSeq, unackedBytes, markSeq, bytesSinceMark, snapshotAfterId] = fromStoredJson<
    [number, number, number, number, number, string | null]
  >(attached.slice(end + 1));
  const window = { unackedBytes, markSeq, bytesSinceMark };
  const state = { ...fromStoredJson<Viewer<Filter>>(viewerText), positionSeq, sentSeq, snapshotAfterId, window };
  return { state, viewerText };
}
