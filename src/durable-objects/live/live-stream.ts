/**
 * The live sockets of an object. Each has a position in the log; a round sends every socket that is behind its next frame,
 * so that following, replaying and going on after an eviction are one and the same.
 */
import { liveAckSchema, liveCloseCodes, type LiveResetReason } from "../../contracts/live-frames.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import type { SetTimer } from "../object-ports.ts";
import { frameText } from "./frame-text.ts";
import { FrameTexts } from "./frame-texts.ts";
import { type LiveSocketState, LiveSocketStates, type ServerSocket } from "./live-socket-state.ts";
import type { LiveSource, LogRange } from "./live-source.ts";
import { decideLiveStart } from "./live-start.ts";
import { acknowledged, openWindow } from "./live-window.ts";
import { Pacer } from "./pacer.ts";
import { SocketWriter } from "./socket-writer.ts";

/** Frames of a socket are at least so far apart; what happens in between goes out together. */
const roundMs = 50;
const ackMaxCharacters = 100;

export interface LiveSettings {
  readonly socketsPerPerson: number;
  /** A socket to which more was sent without an acknowledgement is closed. */
  readonly unackedMaxBytes: number;
}

/** Who opens a socket, and where he left off. */
export interface LiveStreamViewer {
  readonly person: string;
  readonly after: number | null;
  readonly incarnation: string | null;
  /** When his credential ends, and with it the socket. */
  readonly closesAtMs: number;
}

export interface LiveStreamParts<Filter> {
  readonly context: {
    acceptWebSocket(socket: WebSocket): void;
    getWebSockets(): readonly ServerSocket[];
  };
  readonly source: LiveSource<Filter>;
  readonly clock: Clock;
  readonly settings: LiveSettings;
  readonly setTimer: SetTimer;
  readonly logger: Logger;
}

export class LiveStream<Filter> {
  readonly #parts: LiveStreamParts<Filter>;
  readonly #states = new LiveSocketStates<Filter>();
  readonly #writer: SocketWriter<Filter>;
  readonly #rounds: Pacer;
  /** Whether there was no socket when that was looked at last; null before. Listing many sockets for each event is dear. */
  #isAlone: boolean | null = null;

  constructor(parts: LiveStreamParts<Filter>) {
    this.#parts = parts;
    const { clock, setTimer, settings, logger } = parts;
    const { unackedMaxBytes } = settings;
    this.#writer = new SocketWriter({ states: this.#states, clock, unackedMaxBytes, logger });
    this.#rounds = new Pacer({ clock, setTimer, intervalMs: roundMs, run: () => this.#round() });
  }

  /** Accepts an upgrade. */
  accept(viewer: LiveStreamViewer, filter: Filter): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#parts.context.acceptWebSocket(server);
    this.open(server, viewer, filter);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Greets an accepted socket; it then gets what its viewer has missed, or a snapshot, and follows from there. */
  open(socket: ServerSocket, viewer: LiveStreamViewer, filter: Filter): void {
    const { source } = this.#parts;
    this.#isAlone = false;
    const { prunedSeq, lastSeq } = source.range();
    const incarnation = source.incarnation();
    const { person, closesAtMs } = viewer;
    const ordinal = this.#makeRoom(person);
    const start = decideLiveStart(viewer, { incarnation, prunedSeq, lastSeq });
    const seq = start.kind === "follow" ? start.afterSeq : lastSeq;
    const state: LiveSocketState<Filter> = {
      person,
      ordinal,
      closesAtMs,
      filter,
      filterKey: source.filterKeyOf(filter),
      positionSeq: seq,
      sentSeq: seq,
      snapshotAfterId: null,
      window: openWindow(seq),
    };
    const hello = frameText({ kind: "hello", incarnation, firstSeq: prunedSeq + 1, lastSeq });
    const greeted = this.#writer.send(socket, state, hello);
    if (greeted !== null) {
      const frames = new FrameTexts(source);
      if (start.kind === "reset") this.#reset(socket, greeted, start.reason, frames);
      else if (viewer.after === null && source.beginsWithSnapshot) this.#sendSnapshotPage(socket, greeted, "", frames);
    }
    this.resume();
  }

  /** Has every socket that is behind brought up to date, at most one frame per round. */
  resume(): void {
    this.#isAlone ??= this.#parts.context.getWebSockets().length === 0;
    if (!this.#isAlone) this.#rounds.request();
  }

  /** Whether somebody watches with a filter that matches. */
  isWatched(matches: (filter: Filter) => boolean): boolean {
    return this.#parts.context.getWebSockets().some((socket) => {
      const state = this.#states.of(socket);
      return state !== null && matches(state.filter);
    });
  }

  /** Closes the sockets whose credential has ended, and tells when the next one's does; null without open sockets. */
  closeEnded(nowMs: number): number | null {
    let nextMs: number | null = null;
    for (const socket of this.#parts.context.getWebSockets()) {
      const state = this.#states.of(socket);
      if (state === null || this.#writer.hasEnded(socket, state, nowMs)) continue;
      nextMs = Math.min(nextMs ?? state.closesAtMs, state.closesAtMs);
    }
    return nextMs;
  }

  /** Takes an acknowledgement; a socket that says anything else is closed. */
  receive(socket: ServerSocket, message: string | ArrayBuffer): void {
    const state = this.#states.of(socket);
    if (state === null) return;
    const ackSeq = ackOf(message);
    if (ackSeq === null) socket.close(liveCloseCodes.unexpectedMessage, 'this stream takes {"ack": <number>} only');
    else this.#states.set(socket, { ...state, window: acknowledged(state.window, ackSeq, state.sentSeq) });
  }

  /** Closes a person's oldest sockets until one more is allowed, and numbers that one. */
  #makeRoom(person: string): number {
    const { context, settings } = this.#parts;
    const open = context
      .getWebSockets()
      .flatMap((socket) => {
        const state = this.#states.of(socket);
        return state?.person === person ? [{ socket, ordinal: state.ordinal }] : [];
      })
      .sort((left, right) => left.ordinal - right.ordinal);
    for (const { socket } of open.slice(0, Math.max(0, open.length - settings.socketsPerPerson + 1))) {
      socket.close(liveCloseCodes.tooManySockets, `more than ${settings.socketsPerPerson} sockets of one person`);
    }
    return (open.at(-1)?.ordinal ?? 0) + 1;
  }

  /** Sends each socket that is behind its next frame, then what only passes; asks for another round while one is behind. */
  #round(): void {
    const { context, source } = this.#parts;
    const range = source.range();
    const frames = new FrameTexts(source);
    const passing = source.takePassing?.();
    let isBehind = false;
    const sockets = context.getWebSockets();
    this.#isAlone = sockets.length === 0;
    for (const socket of sockets) {
      let state = this.#states.of(socket);
      if (state !== null) state = this.#advance(socket, state, range, frames);
      if (state === null) continue;
      if (state.snapshotAfterId !== null || state.positionSeq < range.lastSeq) {
        isBehind = true;
        continue;
      }
      for (const frame of passing?.(state.filter) ?? []) {
        if (state !== null) state = this.#writer.send(socket, state, frame);
      }
    }
    if (isBehind) this.#rounds.request();
  }

  #advance(
    socket: ServerSocket,
    state: LiveSocketState<Filter>,
    { lastSeq, prunedSeq }: LogRange,
    frames: FrameTexts<Filter>,
  ): LiveSocketState<Filter> | null {
    if (state.snapshotAfterId !== null) return this.#sendSnapshotPage(socket, state, state.snapshotAfterId, frames);
    if (state.positionSeq >= lastSeq) return state;
    if (state.positionSeq < prunedSeq) return this.#reset(socket, state, "not_kept", frames);
    const { frame, lastSeq: sentSeq, throughSeq } = frames.events(state);
    const moved = { ...state, positionSeq: throughSeq, sentSeq: sentSeq ?? state.sentSeq };
    if (frame !== null) return this.#writer.send(socket, moved, frame);
    this.#states.set(socket, moved);
    return moved;
  }

  /** Tells that the stream begins anew, with the first page of a snapshot; the others follow in the next rounds. */
  #reset(
    socket: ServerSocket,
    state: LiveSocketState<Filter>,
    reason: LiveResetReason,
    frames: FrameTexts<Filter>,
  ): LiveSocketState<Filter> | null {
    const seq = this.#parts.source.range().lastSeq;
    const begun = { ...state, positionSeq: seq, sentSeq: seq };
    const told = this.#writer.send(socket, begun, frameText({ kind: "reset", reason }));
    return told === null ? null : this.#sendSnapshotPage(socket, told, "", frames);
  }

  #sendSnapshotPage(
    socket: ServerSocket,
    state: LiveSocketState<Filter>,
    afterId: string,
    frames: FrameTexts<Filter>,
  ): LiveSocketState<Filter> | null {
    const { frame, nextAfterId } = frames.snapshot(state, afterId, this.#parts.source.range().lastSeq);
    return this.#writer.send(socket, { ...state, snapshotAfterId: nextAfterId }, frame);
  }
}

/** The number that a message acknowledges; null when it is no acknowledgement. */
function ackOf(message: string | ArrayBuffer): number | null {
  if (typeof message !== "string" || message.length > ackMaxCharacters) return null;
  try {
    return liveAckSchema.safeParse(JSON.parse(message)).data?.ack ?? null;
  } catch {
    return null;
  }
}
