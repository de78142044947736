import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { LiveFrame } from "../../src/contracts/events.ts";
import type { LiveViewer } from "../../src/contracts/live-viewer.ts";
import { forwardLiveUpgrade } from "../../src/durable-objects/clients.ts";
import {
  allEvents,
  claim,
  everything,
  mintOrganizationId,
  nextJobMessage,
  objectOf,
  runJob,
  submit,
} from "./organization-driver.ts";

afterEach(reset);

type EventFrame = LiveFrame & { readonly kind: "event" };

/** A frame as the object sent it. */
function frameOf(text: string): LiveFrame {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the object sends frames only; the tests look at them
  return JSON.parse(text) as LiveFrame;
}

/** Opens a live socket as the edge does; its frames are collected as they come. */
async function watch(organizationId: string, changes: Partial<LiveViewer> = {}) {
  const request = new Request("https://edge.test/live", {
    headers: { Upgrade: "websocket", "x-live-viewer": JSON.stringify({ organizationId: "forged" }) },
  });
  const viewer: LiveViewer = { organizationId, visibility: everything, after: null, issueId: null, ...changes };
  const { webSocket } = await forwardLiveUpgrade(env, request, viewer);
  if (webSocket === null) throw new Error("the upgrade was refused");
  const frames: LiveFrame[] = [];
  webSocket.addEventListener("message", ({ data }) => {
    frames.push(frameOf(String(data)));
  });
  webSocket.accept();
  const events = () => frames.filter((frame): frame is EventFrame => frame.kind === "event");
  /** Waits until the event of this number has come. */
  const until = async (seq: number) => vi.waitUntil(() => events().some(({ event }) => event.seq === seq));
  return { webSocket, frames, events, until };
}

/** Every frame must name the number of the one before it. */
function expectChain(frames: readonly EventFrame[], from: number): void {
  let prevSeq = from;
  for (const frame of frames) {
    expect(frame.prevSeq).toBe(prevSeq);
    prevSeq = frame.event.seq;
  }
}

async function lastSeq(organizationId: string): Promise<number> {
  return (await allEvents(organizationId)).length;
}

describe("a live socket", () => {
  test("greets, replays what was missed, and follows without gap across an eviction", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    await nextJobMessage(organizationId);
    const { frames, events, until } = await watch(organizationId, { after: 1 });
    await vi.waitUntil(() => frames.length > 0);
    expect(frames[0]).toMatchObject({ kind: "hello", lastSeq: await lastSeq(organizationId) });
    await evictDurableObject(env.ORGANIZATIONS.getByName(organizationId));
    await runJob(organizationId, 0, { role: "work", summary: "Nothing to change." });
    const last = await lastSeq(organizationId);
    await until(last);
    expect(events().map(({ event }) => event.seq)).toEqual(Array.from({ length: last - 1 }, (_, index) => index + 2));
    expectChain(events(), 1);
    expect(events().map(({ event }) => event)).toEqual((await allEvents(organizationId)).slice(1));
  });

  test("without a number follows from now on", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const message = await nextJobMessage(organizationId);
    const before = await lastSeq(organizationId);
    const { events, until } = await watch(organizationId);
    await claim(message);
    await until(await lastSeq(organizationId));
    expect(events()[0]).toMatchObject({ prevSeq: before, event: { seq: before + 1 } });
  });

  test("with a number of another incarnation replays everything", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const { events, until } = await watch(organizationId, { after: 999 });
    await until(1);
    expect(events()[0]).toMatchObject({ prevSeq: 0, event: { seq: 1 } });
  });

  test("shows only what its viewer may see, and only the issue asked for", async () => {
    const organizationId = mintOrganizationId();
    const mine = await submit(organizationId, { createdById: "me" });
    const other = await submit(organizationId, { createdById: "someone-else" });
    const alsoMine = await submit(organizationId, { createdById: "me" });
    const own = await watch(organizationId, { after: 0, visibility: { kind: "own", userIds: ["me"] } });
    const single = await watch(organizationId, { after: 0, issueId: other.issueId });
    const forbidden = await watch(organizationId, {
      after: 0,
      issueId: other.issueId,
      visibility: { kind: "own", userIds: ["me"] },
    });
    const later = await submit(organizationId, { createdById: "me" });
    const last = (await allEvents(organizationId)).findLast(({ issueId }) => issueId === later.issueId);
    await own.until(last?.seq ?? 0);

    const seenBy = (frames: readonly EventFrame[]) => new Set(frames.map(({ event }) => event.issueId));
    expect(seenBy(own.events())).toEqual(new Set([mine.issueId, alsoMine.issueId, later.issueId]));
    expectChain(own.events(), 0);
    expect(seenBy(single.events())).toEqual(new Set([other.issueId]));
    expectChain(single.events(), 0);
    expect(forbidden.frames.map(({ kind }) => kind)).toEqual(["hello"]);
  });

  test("passes on a running model's words, unless the slice is over", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, { createdById: "me" });
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    const owner = await watch(organizationId, { visibility: { kind: "own", userIds: ["me"] } });
    const stranger = await watch(organizationId, { visibility: { kind: "own", userIds: ["you"] } });
    const ref = { organizationId, jobId: job.id, epoch };
    await objectOf(organizationId).streamText({ ...ref, epoch: epoch + 1, text: "from a zombie" });
    await objectOf(organizationId).streamText({ ...ref, text: "Looking" });
    const texts = () => owner.frames.filter(({ kind }) => kind === "text");
    await vi.waitUntil(() => texts().length > 0);
    expect(texts()).toEqual([{ kind: "text", issueId, jobId: job.id, text: "Looking" }]);
    expect(stranger.frames.map(({ kind }) => kind)).toEqual(["hello"]);
  });

  test("closed by its viewer disturbs no other", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const { webSocket } = await watch(organizationId);
    webSocket.close(1000, "bye");
    const staying = await watch(organizationId, { after: 0 });
    await submit(organizationId);
    const last = await lastSeq(organizationId);
    await staying.until(last);
    expectChain(staying.events(), 0);
    const seen = staying.events().map(({ event }) => event.seq);
    expect(seen.slice(0, last)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });

  test("is refused without an upgrade", async () => {
    const organizationId = mintOrganizationId();
    const viewer: LiveViewer = { organizationId, visibility: everything, after: null, issueId: null };
    const response = await forwardLiveUpgrade(env, new Request("https://edge.test/live"), viewer);
    expect(response.status).toBe(426);
  });
});
