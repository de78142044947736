/** Passes the words of a running model on, a few frames a second. Losing some of them loses nothing that is kept. */
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { pause } from "./pause.ts";

/** At most four frames a second. */
const frameMs = 250;

export interface TextStream {
  push(text: string): void;
  /** Sends what is left; resolves when it is out. */
  close(): Promise<void>;
}

/** A stream that gathers text between frames. A frame that cannot be sent is dropped. */
export function createTextStream(send: (text: string) => Promise<void>, logger: Logger): TextStream {
  const closed = new AbortController();
  let gathered = "";
  let draining: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    while (gathered !== "") {
      const text = gathered;
      gathered = "";
      try {
        await send(text);
      } catch (error) {
        logger.debug("text frame dropped", { error: describeError(error) });
      }
      await pause(frameMs, closed.signal);
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
