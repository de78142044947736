/** A thousand open sockets, and what has come on them. */
import { once } from "node:events";
import { type RawData, WebSocket } from "ws";

export interface Sockets {
  /** The frame received last, on whichever of them. */
  lastFrame(): string;
  /** Resolves when every socket has received the event with this number, or a later one. */
  reach(seq: number): Promise<void>;
  /** Resolves when so many frames more have come than now. */
  more(frames: number): Promise<void>;
  /** The highest event number on any of them. */
  highestSeq(): number;
  close(): void;
}

interface Wait {
  readonly isOver: () => boolean;
  readonly resolve: () => void;
}

/** So many handshakes at once: a listener's queue is not endless. */
const opensAtOnce = 50;
const seqField = '"seq":';

/** A message's text. `ws` gives one buffer unless it is told otherwise. */
export function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString("utf8") : "";
}

/** Number of the last event in a frame; 0 when there is none. */
function lastSeqIn(frame: string): number {
  const at = frame.lastIndexOf(seqField);
  return at === -1 ? 0 : Number.parseInt(frame.slice(at + seqField.length), 10);
}

/** Opens the sockets; `headersOf` says with which headers each. Throws when one is refused. */
export async function openSockets(
  url: string,
  count: number,
  headersOf: (index: number) => Readonly<Record<string, string>>,
): Promise<Sockets> {
  const sockets: WebSocket[] = [];
  const seqs = new Map<WebSocket, number>();
  let frames = 0;
  let last = "";
  let highest = 0;
  let wait: Wait | null = null;

  const open = async (index: number): Promise<void> => {
    const socket = new WebSocket(url, { headers: headersOf(index), perMessageDeflate: false });
    sockets.push(socket);
    seqs.set(socket, 0);
    socket.on("message", (data) => {
      last = textOf(data);
      frames += 1;
      const seq = lastSeqIn(last);
      seqs.set(socket, seq);
      highest = Math.max(highest, seq);
      if (wait?.isOver() === true) wait.resolve();
    });
    await once(socket, "open");
  };
  for (let first = 0; first < count; first += opensAtOnce) {
    const batch = Math.min(opensAtOnce, count - first);
    await Promise.all(Array.from({ length: batch }, async (_, index) => open(first + index)));
  }

  const until = async (isOver: () => boolean): Promise<void> => {
    if (isOver()) return;
    await new Promise<void>((resolve) => {
      wait = { isOver, resolve };
    });
    wait = null;
  };
  return {
    lastFrame: () => last,
    highestSeq: () => highest,
    reach: (seq) => until(() => highest >= seq && [...seqs.values()].every((reached) => reached >= seq)),
    more: (added) => {
      const goal = frames + added;
      return until(() => frames >= goal);
    },
    close: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}
