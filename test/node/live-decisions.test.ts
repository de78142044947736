import { array, assert as assertProperty, constant, integer, nat, oneof, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { decideLiveStart } from "../../src/durable-objects/live/live-start.ts";
import { acknowledged, openWindow, widened } from "../../src/durable-objects/live/live-window.ts";
import { Pacer } from "../../src/durable-objects/live/pacer.ts";

describe("where a live stream begins", () => {
  const log = { incarnation: "inc_1", prunedSeq: 10, lastSeq: 20 };

  test.each([
    ["no number", null, null, { kind: "follow", afterSeq: 20 }],
    ["no number, whatever the incarnation", null, "inc_0", { kind: "follow", afterSeq: 20 }],
    ["a kept number", 15, null, { kind: "follow", afterSeq: 15 }],
    ["a kept number of this incarnation", 15, "inc_1", { kind: "follow", afterSeq: 15 }],
    ["the last number", 20, null, { kind: "follow", afterSeq: 20 }],
    ["the number before the first kept", 10, null, { kind: "follow", afterSeq: 10 }],
    ["a number before that", 9, null, { kind: "reset", reason: "not_kept" }],
    ["the beginning", 0, null, { kind: "reset", reason: "not_kept" }],
    ["a number beyond the last", 21, null, { kind: "reset", reason: "beyond_last" }],
    ["a number of another incarnation", 15, "inc_0", { kind: "reset", reason: "other_incarnation" }],
  ] as const)("after %s", (_what, after, incarnation, start) => {
    expect(decideLiveStart({ after, incarnation }, log)).toEqual(start);
  });
});

describe("the window of unacknowledged bytes", () => {
  test("is empty once the last event sent is acknowledged", () => {
    const window = widened(widened(openWindow(0), 100), 50);
    expect(window.unackedBytes).toBe(150);
    expect(acknowledged(window, 2, 2).unackedBytes).toBe(0);
  });

  test("never counts less than what a client has not acknowledged, nor more than was sent", () => {
    const frames = array(integer({ min: 1, max: 1_000 }), { maxLength: 30 });
    assertProperty(
      property(frames, array(nat(30), { maxLength: 30 }), (sizes, acks) => {
        let window = openWindow(0);
        let ackedSeq = 0;
        for (const [index, bytes] of sizes.entries()) {
          const sentSeq = index + 1;
          window = widened(window, bytes);
          const ackSeq = Math.min(acks[index] ?? 0, sentSeq);
          ackedSeq = Math.max(ackedSeq, ackSeq);
          window = acknowledged(window, ackSeq, sentSeq);
          const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0);
          expect(window.unackedBytes).toBeGreaterThanOrEqual(sum(sizes.slice(ackedSeq, sentSeq)));
          expect(window.unackedBytes).toBeLessThanOrEqual(sum(sizes.slice(0, sentSeq)));
        }
      }),
    );
  });

  test("of a client that acknowledges a frame late stays bounded", () => {
    let window = openWindow(0);
    for (let sentSeq = 1; sentSeq <= 1_000; sentSeq += 1) {
      window = acknowledged(widened(window, 10), sentSeq - 5, sentSeq);
      expect(window.unackedBytes).toBeLessThanOrEqual(150);
    }
  });
});

describe("the pacer", () => {
  test("runs at once, then at most once an interval, and misses no request", () => {
    const steps = array(oneof(constant("request" as const), integer({ min: 1, max: 120 })), {
      maxLength: 60,
    });
    assertProperty(
      property(steps, (commands) => {
        let nowMs = 1_000;
        let timer: { readonly atMs: number; readonly run: () => void } | null = null;
        const ranAtMs: number[] = [];
        let requestedAtMs: number | null = null;
        const pacer = new Pacer({
          clock: { nowMs: () => nowMs },
          intervalMs: 50,
          setTimer: (delayMs, run) => {
            expect(timer).toBeNull();
            timer = { atMs: nowMs + delayMs, run };
          },
          run: () => {
            ranAtMs.push(nowMs);
            requestedAtMs = null;
          },
        });
        const advanceTo = (atMs: number): void => {
          if (timer !== null && timer.atMs <= atMs) {
            const { run, atMs: dueAtMs } = timer;
            timer = null;
            nowMs = dueAtMs;
            run();
          }
          nowMs = atMs;
        };
        for (const command of commands) {
          if (command === "request") {
            requestedAtMs ??= nowMs;
            pacer.request();
          } else advanceTo(nowMs + command);
          expect(requestedAtMs === null || nowMs - requestedAtMs < 50).toBe(true);
        }
        const gaps = ranAtMs.slice(1).map((atMs, index) => atMs - (ranAtMs[index] ?? 0));
        expect(gaps.every((gapMs) => gapMs >= 50)).toBe(true);
      }),
    );
  });

  test("waits no longer than an interval when the clock jumps back", () => {
    let nowMs = 1_000_000;
    const delaysMs: number[] = [];
    const pacer = new Pacer({
      clock: { nowMs: () => nowMs },
      intervalMs: 50,
      setTimer: (delayMs) => delaysMs.push(delayMs),
      run: () => undefined,
    });
    pacer.request();
    nowMs = 0;
    pacer.request();
    expect(delaysMs).toEqual([50]);
  });
});
