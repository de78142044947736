/** The operators' stream over the real platform object. */
import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { PlatformViewer } from "../../src/contracts/live-viewer.ts";
import type { PlatformEvent, PlatformFrame } from "../../src/contracts/platform-events.ts";
import { forwardPlatformUpgrade } from "../../src/durable-objects/clients.ts";
import { clients, mintOrganizationId, nextJobMessage, runJob, submit } from "./organization-driver.ts";

afterEach(reset);

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
  const response = await forwardPlatformUpgrade(env, upgrade, { after: null, incarnation: null, ...viewer });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no socket came with status ${response.status}`);
  const frames: PlatformFrame[] = [];
  socket.addEventListener("message", ({ data }) => {
    frames.push(frameOf(String(data)));
  });
  socket.accept();
  return { frames, close: () => socket.close() };
}

function eventsOf(frames: readonly PlatformFrame[]): readonly PlatformEvent[] {
  return frames.flatMap((frame) => (frame.kind === "events" ? frame.events : []));
}

const hold = { scope: { kind: "platform" }, mode: "hold", actor: root, reason: "pause", expiresAtMs: null } as const;

describe("the platform's stream", () => {
  test("begins with a snapshot and tells of demand, slots, switches and health, without a gap", async () => {
    const organizationId = mintOrganizationId();
    const { frames, close } = await watch();
    await vi.waitUntil(() => frames.length === 2);
    expect(frames).toMatchObject([
      { kind: "hello", firstSeq: 1, lastSeq: 0 },
      { kind: "snapshot", seq: 0, snapshot: { status: { slotsInUse: 0 }, switches: [], health: null } },
    ]);
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow", title: "secret title" });
    await nextJobMessage(organizationId);
    await runJob(organizationId, 0, done);
    await clients.platform().setSwitch(hold);
    await clients.platform().recordHealth({ atMs: 1, healthy: true, checks: {} });
    await vi.waitUntil(() => eventsOf(frames).at(-1)?.type === "health.sampled");
    await vi.waitUntil(() => eventsOf(frames).some(({ type }) => type === "slot.freed"));
    const events = eventsOf(frames);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    const types = new Set(events.map(({ type }) => type));
    for (const type of ["demand.changed", "slot.offered", "slot.held", "slot.freed", "switch.set"] as const) {
      expect(types).toContain(type);
    }
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
});
