/** Sends frames on live sockets, as long as their credential lasts and their reader keeps up. */
import { liveCloseCodes } from "../../contracts/live-frames.ts";
import type { Clock } from "../../core/clock.ts";
import { describeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { FrameText } from "./frame-text.ts";
import type { LiveSocketState, LiveSocketStates, ServerSocket } from "./live-socket-state.ts";
import { widened } from "./live-window.ts";

export interface SocketWriterParts<Filter> {
  readonly states: LiveSocketStates<Filter>;
  readonly clock: Clock;
  /** A socket to which more was sent without an acknowledgement is closed. */
  readonly unackedMaxBytes: number;
  readonly logger: Logger;
}

export class SocketWriter<Filter> {
  readonly #parts: SocketWriterParts<Filter>;

  constructor(parts: SocketWriterParts<Filter>) {
    this.#parts = parts;
  }

  /** Closes a socket whose credential has ended, and tells whether it did. */
  hasEnded(socket: ServerSocket, { closesAtMs }: LiveSocketState<Filter>, nowMs: number): boolean {
    if (nowMs < closesAtMs) return false;
    socket.close(liveCloseCodes.credentialEnded, "the credential has ended: connect again with a new one");
    return true;
  }

  /** Sends a frame and keeps the state that the socket has then; null when the socket is gone or was cut off. */
  send(
    socket: ServerSocket,
    state: LiveSocketState<Filter>,
    { text, bytes }: FrameText,
  ): LiveSocketState<Filter> | null {
    if (this.hasEnded(socket, state, this.#parts.clock.nowMs())) return null;
    if (state.window.unackedBytes > this.#parts.unackedMaxBytes) {
      this.#parts.logger.info("socket.slow", { person: state.person, unackedBytes: state.window.unackedBytes });
      socket.close(liveCloseCodes.slowReader, "too much is unacknowledged: connect again after the last number read");
      return null;
    }
    const sent = { ...state, window: widened(state.window, bytes) };
    try {
      socket.send(text);
    } catch (error) {
      this.#parts.logger.info("socket.gone", { error: describeError(error) });
      return null;
    }
    this.#parts.states.set(socket, sent);
    return sent;
  }
}
