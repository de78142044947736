/** Passes the words of a running model on, a few frames a second. Losing some of them loses nothing that is kept. */
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { pause } from "./pause.ts";

/** At most four frames a second. */
const frameMs = 250;
/** While nobody watches, words are sent this seldom, to learn whether somebody does now. */
const unwatchedMs = 2_000;

export interface TextStream {
  push(text: string): void;
  /** Sends what is left; resolves when it is out. */
  close(): Promise<void>;
}

/** A stream that gathers text between frames, which are a `wait` apart. A frame that cannot be sent is dropped. */
export function createTextStream(
  send: (text: string) => Promise<{ readonly watched: boolean }>,
  logger: Logger,
  wait: (durationMs: number, signal: AbortSignal) => Promise<unknown> = pause,
): TextStream {
  const closed = new AbortController();
  let gathered = "";
  let isWatched = true;
  let draining: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    while (gathered !== "") {
      const text = gathered;
      gathered = "";
      try {
        ({ watched: isWatched } = await send(text));
      } catch (error) {
        logger.debug("text frame dropped", { error: describeError(error) });
      }
      await wait(isWatched ? frameMs : unwatchedMs, closed.signal);
      if (!isWatched && closed.signal.aborted) break;
    }
    draining = null;
  };

  return {
    push: (text) => {
      if (text === "" || closed.signal.aborted) return;
      gathered += text;
      draining ??= drain();
    },
    close: async () => {
      closed.abort();
      await draining;
    },
  };
}
