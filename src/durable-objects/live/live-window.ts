/**
 * What was sent on a socket and not acknowledged. The runtime does not tell how much of it still waits to leave, so a reader
 * that neither acknowledges nor connects again is cut off at a bound.
 */
export interface LiveWindow {
  readonly unackedBytes: number;
  /** Number sent last when the last acknowledgement came, and the bytes sent since: what the next one frees at least. */
  readonly markSeq: number;
  readonly bytesSinceMark: number;
}

export function openWindow(seq: number): LiveWindow {
  return { unackedBytes: 0, markSeq: seq, bytesSinceMark: 0 };
}

/** The window after a frame of so many bytes. */
export function widened(window: LiveWindow, bytes: number): LiveWindow {
  return { ...window, unackedBytes: window.unackedBytes + bytes, bytesSinceMark: window.bytesSinceMark + bytes };
}

/** The window after the client has said that it has read the event `ackSeq`; `sentSeq` is the last one sent. */
export function acknowledged(window: LiveWindow, ackSeq: number, sentSeq: number): LiveWindow {
  if (ackSeq >= sentSeq) return openWindow(sentSeq);
  if (ackSeq < window.markSeq) return window;
  return { unackedBytes: window.bytesSinceMark, markSeq: sentSeq, bytesSinceMark: 0 };
}
