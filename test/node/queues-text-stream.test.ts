import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLogger } from "../../src/core/log.ts";
import { createTextStream } from "../../src/queues/text-stream.ts";

const silent = createLogger({}, () => undefined);

function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
    signal.addEventListener("abort", () => resolve());
  });
}

/** An object that tells whether anybody watches, and what it was sent when. */
function listener() {
  const sent: { readonly atMs: number; readonly text: string }[] = [];
  const state = { watched: true, isAway: false };
  const startMs = Date.now();
  const send = (text: string) => {
    sent.push({ atMs: Date.now() - startMs, text });
    return state.isAway ? Promise.reject(new Error("away")) : Promise.resolve({ watched: state.watched });
  };
  return { sent, state, stream: createTextStream(send, silent, wait) };
}

/** Pushes a word every 100 ms. */
async function speak(stream: { push(text: string): void }, words: readonly string[]): Promise<void> {
  for (const word of words) {
    stream.push(word);
    await vi.advanceTimersByTimeAsync(100);
  }
}

const words = Array.from({ length: 50 }, (_, index) => `${index} `);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the words of a running model", () => {
  test("leave in at most four frames a second, in order and whole", async () => {
    const { sent, stream } = listener();
    await speak(stream, words);
    await stream.close();
    expect(sent.map(({ text }) => text).join("")).toBe(words.join(""));
    const gaps = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index]?.atMs ?? 0));
    expect(Math.min(...gaps.slice(0, -1))).toBeGreaterThanOrEqual(250);
  });

  test("leave seldom while nobody watches, and often again as soon as somebody does", async () => {
    const { sent, state, stream } = listener();
    state.watched = false;
    await speak(stream, words);
    expect(sent.length).toBeLessThanOrEqual(3);
    const unwatched = sent.length;
    state.watched = true;
    await speak(stream, words);
    expect(sent.length - unwatched).toBeGreaterThanOrEqual(10);
    await stream.close();
  });

  test("are not sent at the end when nobody watched", async () => {
    const { sent, state, stream } = listener();
    state.watched = false;
    await speak(stream, ["a", "b", "c"]);
    await stream.close();
    expect(sent.map(({ text }) => text)).toEqual(["a"]);
  });

  test("that cannot be sent are dropped, and the next ones go on", async () => {
    const { sent, state, stream } = listener();
    state.isAway = true;
    await speak(stream, ["lost "]);
    state.isAway = false;
    await vi.advanceTimersByTimeAsync(500);
    await speak(stream, ["kept"]);
    await stream.close();
    expect(sent.map(({ text }) => text)).toEqual(["lost ", "kept"]);
  });
});
