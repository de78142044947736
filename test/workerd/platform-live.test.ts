/** The operators' stream over the real platform object. */
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { liveCloseCodes } from "../../src/contracts/live-frames.ts";
import type { PlatformViewer } from "../../src/contracts/live-viewer.ts";
import type { PlatformEvent, PlatformFrame } from "../../src/contracts/platform-events.ts";
import { forwardPlatformUpgrade } from "../../src/durable-objects/clients.ts";
import type { PlatformObject } from "../../src/durable-objects/platform/platform-object.ts";
import { clients, mintOrganizationId, nextJobMessage, runJob, submit } from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

const monthMs = 30 * 24 * 3_600_000;

const root = { kind: "platform", name: "root" } as const;
const done = { role: "work", summary: "Nothing to change." } as const;

/** A frame as the object wrote it. */
function frameOf(text: string): PlatformFrame {
  const frame: unknown = JSON.parse(text);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests compare what it holds
  return frame as PlatformFrame;
}

async function watch(viewer: Partial<PlatformViewer> = {}) {
  const upgrade = new Request("https://edge/", { headers: { upgrade: "websocket" } });
  const anew = { person: "platform:root", closesAtMs: testClock.nowMs() + monthMs, after: null, incarnation: null };
  const response = await forwardPlatformUpgrade(env, upgrade, { ...anew, ...viewer });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no socket came with status ${response.status}`);
  const frames: PlatformFrame[] = [];
  const closings: number[] = [];
  socket.addEventListener("message", ({ data }) => {
    frames.push(frameOf(String(data)));
  });
  socket.addEventListener("close", ({ code }) => {
    closings.push(code);
  });
  socket.accept();
  return { frames, closings, send: (message: string) => socket.send(message), close: () => socket.close() };
}

function eventsOf(frames: readonly PlatformFrame[]): readonly PlatformEvent[] {
  return frames.flatMap((frame) => (frame.kind === "events" ? frame.events : []));
}

/** A health sample with a detail of so many characters. */
function sample(characters: number) {
  const checks = { database: { ok: true, detail: "x".repeat(characters), durationMs: 1 } };
  return { atMs: 1, healthy: true, checks };
}

const hold = { scope: { kind: "platform" }, mode: "hold", actor: root, reason: "pause", expiresAtMs: null } as const;

describe("the platform's stream", () => {
  test("begins with a snapshot and tells of demand, slots, switches and health, without a gap", async () => {
    const organizationId = mintOrganizationId();
    const { frames, close } = await watch();
    await vi.waitUntil(() => frames.length === 2);
    expect(frames).toMatchObject([
      { kind: "hello", firstSeq: 1, lastSeq: 0 },
      { kind: "snapshot", seq: 0, snapshot: { status: { slotsInUse: 0 }, switches: [], breakers: [], health: null } },
    ]);
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow", title: "secret title" });
    await nextJobMessage(organizationId);
    await runJob(organizationId, 0, done);
    await clients.platform().setSwitch(hold);
    const fault = { organizationId: "org-a", model: "opus", faults: 5, answers: 0, retryAfterMs: null } as const;
    await clients.platform().reportModel(fault);
    await clients.platform().recordHealth({ atMs: 1, healthy: true, checks: {} });
    await vi.waitUntil(() => eventsOf(frames).at(-1)?.type === "health.sampled");
    await vi.waitUntil(() => eventsOf(frames).some(({ type }) => type === "slot.freed"));
    const events = eventsOf(frames);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    const types = new Set(events.map(({ type }) => type));
    for (const type of ["demand.changed", "slot.offered", "slot.held", "slot.freed", "switch.set"] as const) {
      expect(types).toContain(type);
    }
    expect(events.flatMap(({ type, data }) => (type === "breaker.changed" ? [data] : []))).toMatchObject([
      { model: "opus", status: "open" },
    ]);
    expect(JSON.stringify(frames)).not.toContain("secret title");
    close();
  });

  test("goes on after the number that was seen last, across an eviction too", async () => {
    await clients.platform().setSwitch(hold);
    const first = await watch({ after: 0 });
    await vi.waitUntil(() => eventsOf(first.frames).length === 1);
    await evictDurableObject(env.PLATFORM.getByName("platform"));
    await clients.platform().setSwitch({ ...hold, mode: "drain" });
    await vi.waitUntil(() => eventsOf(first.frames).length === 2);
    first.close();
    await clients.platform().setSwitch({ ...hold, mode: "refuse" });
    const again = await watch({ after: 2 });
    await vi.waitUntil(() => eventsOf(again.frames).length === 1);
    expect(again.frames.slice(1)).toMatchObject([{ kind: "events", prevSeq: 2, events: [{ seq: 3 }] }]);
    again.close();
  });

  test.each([
    ["beyond the last", { after: 9 }, "beyond_last"],
    ["of another incarnation", { after: 1, incarnation: "inc_other" }, "other_incarnation"],
    ["no longer kept", { after: 0 }, "not_kept"],
  ])("told of a number %s, says so and gives a snapshot", async (_name, viewer, reason) => {
    await clients.platform().setSwitch(hold);
    await clients.platform().setSwitch({ ...hold, mode: "drain" });
    await runInDurableObject(env.PLATFORM.getByName("platform"), (_object, { storage }) => {
      storage.sql.exec("DELETE FROM platform_events WHERE seq = 1");
    });
    const { frames, close } = await watch(viewer);
    await vi.waitUntil(() => frames.length === 3);
    expect(frames).toMatchObject([
      { kind: "hello", firstSeq: 2, lastSeq: 2 },
      { kind: "reset", reason },
      { kind: "snapshot", seq: 2, snapshot: { switches: [{ mode: "hold" }, { mode: "drain" }] } },
    ]);
    await clients.platform().setSwitch({ ...hold, mode: "refuse" });
    await vi.waitUntil(() => frames.length === 4);
    expect(frames[3]).toMatchObject({ kind: "events", prevSeq: 2, events: [{ seq: 3 }] });
    close();
  });

  test("sends a burst of many transactions as one frame, or one more, to everyone alike", async () => {
    const [one, other] = [await watch(), await watch({ person: "platform:other" })];
    await vi.waitUntil(() => one.frames.length === 2 && other.frames.length === 2);
    await runInDurableObject(env.PLATFORM.getByName("platform"), async (object: PlatformObject) => {
      await Promise.all(Array.from({ length: 40 }, () => object.recordHealth(sample(0))));
    });
    await vi.waitUntil(() => eventsOf(one.frames).length === 40 && eventsOf(other.frames).length === 40);
    expect(one.frames.length - 2).toBeLessThanOrEqual(2);
    expect(other.frames).toEqual(one.frames);
    one.close();
    other.close();
  });

  test("cuts off a reader who acknowledges nothing of very much, and nobody else", async () => {
    const [slow, good] = [await watch(), await watch({ person: "platform:other" })];
    for (let count = 1; count <= 10; count += 1) {
      await clients.platform().recordHealth(sample(1_000_000));
      await vi.waitUntil(() => eventsOf(good.frames).length === count);
      good.send(JSON.stringify({ ack: count }));
    }
    await vi.waitUntil(() => slow.closings.length > 0);
    expect(slow.closings).toEqual([liveCloseCodes.slowReader]);
    const known = eventsOf(slow.frames).at(-1)?.seq ?? 0;
    expect(known).toBeGreaterThan(5);
    const again = await watch({ after: known });
    await clients.platform().recordHealth(sample(0));
    await vi.waitUntil(() => eventsOf(again.frames).at(-1)?.seq === 11 && eventsOf(good.frames).length === 11);
    expect(eventsOf(again.frames).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 11 - known }, (_, index) => known + 1 + index),
    );
    expect(good.closings).toEqual([]);
    again.close();
    good.close();
  });

  test("closes a person's oldest socket when he opens one too many, and one that says what it does not take", async () => {
    const oldest = await watch();
    const other = await watch({ person: "platform:other" });
    const later = [];
    for (let count = 1; count < 20; count += 1) later.push(await watch());
    await evictDurableObject(env.PLATFORM.getByName("platform"));
    expect(oldest.closings).toEqual([]);
    later.push(await watch());
    await vi.waitUntil(() => oldest.closings.length > 0);
    expect(oldest.closings).toEqual([liveCloseCodes.tooManySockets]);
    other.send("hello?");
    await vi.waitUntil(() => other.closings.length > 0);
    expect(other.closings).toEqual([liveCloseCodes.unexpectedMessage]);
    expect(later.flatMap(({ closings }) => closings)).toEqual([]);
    for (const { close } of later) close();
  });
});

test("an operator's socket closes when his credential ends", async () => {
  const { closings } = await watch({ closesAtMs: testClock.nowMs() + 60_000 });
  advanceMs(60_000);
  await runDurableObjectAlarm(env.PLATFORM.getByName("platform"));
  await vi.waitUntil(() => closings.length === 1);
  expect(closings).toEqual([liveCloseCodes.credentialEnded]);
});
