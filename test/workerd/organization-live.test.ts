import { evictDurableObject, reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { liveCloseCodes, type LiveFrame, liveFrameSchema } from "../../src/contracts/live-frames.ts";
import type { LiveViewer } from "../../src/contracts/live-viewer.ts";
import { forwardLiveUpgrade } from "../../src/durable-objects/clients.ts";
import {
  allEvents,
  checkpointOf,
  claim,
  everything,
  mintOrganizationId,
  nextJobMessage,
  objectOf,
  runJob,
  submit,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

const monthMs = 30 * 24 * 3_600_000;

type FrameOf<Kind extends LiveFrame["kind"]> = LiveFrame & { readonly kind: Kind };

/** Opens a live socket as the edge does; its frames are collected as they come. */
async function watch(organizationId: string, changes: Partial<LiveViewer> = {}) {
  const request = new Request("https://edge.test/live", {
    headers: { Upgrade: "websocket", "x-live-viewer": JSON.stringify({ organizationId: "forged" }) },
  });
  const { webSocket } = await forwardLiveUpgrade(env, request, viewerOf(organizationId, changes));
  if (webSocket === null) throw new Error("the upgrade was refused");
  const frames: LiveFrame[] = [];
  const closings: { readonly code: number; readonly reason: string }[] = [];
  webSocket.addEventListener("message", ({ data }) => {
    frames.push(liveFrameSchema.parse(JSON.parse(String(data))));
  });
  webSocket.addEventListener("close", ({ code, reason }) => {
    closings.push({ code, reason });
  });
  webSocket.accept();
  const of = <Kind extends LiveFrame["kind"]>(kind: Kind) =>
    frames.filter((frame): frame is FrameOf<Kind> => frame.kind === kind);
  const events = () => of("events").flatMap((frame) => frame.events);
  /** Waits until the event of this number has come. */
  const until = async (seq: number) => vi.waitUntil(() => events().some((event) => event.seq === seq));
  return { webSocket, frames, closings, of, events, until };
}

function viewerOf(organizationId: string, changes: Partial<LiveViewer> = {}): LiveViewer {
  const anew = { closesAtMs: testClock.nowMs() + monthMs, ticket: null, after: null, incarnation: null, issueId: null };
  return { organizationId, person: "user:ada", visibility: everything, ...anew, ...changes };
}

/** Every frame must name the number of the last event before it. */
function expectChain(frames: readonly FrameOf<"events">[], from: number): void {
  let prevSeq = from;
  for (const frame of frames) {
    expect(frame.prevSeq).toBe(prevSeq);
    prevSeq = frame.events.at(-1)?.seq ?? Number.NaN;
  }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function lastSeq(organizationId: string): Promise<number> {
  return (await allEvents(organizationId)).length;
}

const evict = (organizationId: string) => evictDurableObject(env.ORGANIZATIONS.getByName(organizationId));

describe("a live socket", () => {
  test("greets, replays what was missed, and follows without gap across an eviction", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    await nextJobMessage(organizationId);
    const { frames, of, events, until } = await watch(organizationId, { after: 1 });
    await vi.waitUntil(() => frames.length > 0);
    expect(frames[0]).toMatchObject({ kind: "hello", firstSeq: 1, lastSeq: await lastSeq(organizationId) });
    await evict(organizationId);
    await runJob(organizationId, 0, { role: "work", summary: "Nothing to change." });
    const last = await lastSeq(organizationId);
    await until(last);
    expect(events().map(({ seq }) => seq)).toEqual(numbers(2, last));
    expectChain(of("events"), 1);
    expect(events()).toEqual((await allEvents(organizationId)).slice(1));
  });

  test("misses nothing when the object is evicted again and again, not even under a filter", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, { createdById: "me" });
    const own = await watch(organizationId, { after: 0, visibility: { kind: "own", userIds: ["me"] } });
    const single = await watch(organizationId, { after: 0, issueId });
    for (const createdById of ["me", "someone-else", "me", "someone-else"]) {
      await evict(organizationId);
      await submit(organizationId, { createdById });
    }
    await evict(organizationId);
    const { issueId: lastIssueId } = await submit(organizationId, { createdById: "me" });
    const all = await allEvents(organizationId);
    await own.until(all.findLast((event) => event.issueId === lastIssueId)?.seq ?? 0);

    const submitted = all.flatMap((event) => (event.type === "issue.submitted" ? [event.data.issue] : []));
    const mine = new Set(submitted.filter(({ createdById }) => createdById === "me").map(({ id }) => id));
    const received = own.events().map(({ seq }) => seq);
    const expected = all.filter((event) => mine.has(event.issueId)).map(({ seq }) => seq);
    expect(received).toEqual(expected.slice(0, received.length));
    expectChain(own.of("events"), 0);
    expect(new Set(single.events().map((event) => event.issueId))).toEqual(new Set([issueId]));
    expectChain(single.of("events"), 0);
  });

  test("goes on after the last number seen when it is opened again", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const first = await watch(organizationId, { after: 0 });
    await first.until(1);
    first.webSocket.close(1000, "bye");
    const seen = first.events().at(-1)?.seq ?? 0;
    await submit(organizationId);
    const [hello] = first.of("hello");
    const again = await watch(organizationId, { after: seen, incarnation: hello?.incarnation ?? null });
    const last = await lastSeq(organizationId);
    await again.until(last);
    expect(again.events()[0]?.seq).toBe(seen + 1);
    expectChain(again.of("events"), seen);
    expect(again.of("reset")).toEqual([]);
  });

  test("without a number follows from now on", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const message = await nextJobMessage(organizationId);
    const before = await lastSeq(organizationId);
    const { of, events, until } = await watch(organizationId);
    await claim(message);
    await until(await lastSeq(organizationId));
    expect(of("events")[0]).toMatchObject({ prevSeq: before });
    expect(events()[0]?.seq).toBe(before + 1);
  });

  test.each([
    ["a number beyond the last", { after: 999 }, "beyond_last"],
    ["a number of another incarnation", { after: 1, incarnation: "inc_other" }, "other_incarnation"],
  ])("with %s is told so, gets the open issues, and follows from there", async (_what, asked, reason) => {
    const organizationId = mintOrganizationId();
    const { issueId, jobId } = await submit(organizationId);
    await nextJobMessage(organizationId);
    const before = await lastSeq(organizationId);
    const { frames, of, until } = await watch(organizationId, asked);
    const { issueId: later } = await submit(organizationId);
    const last = await lastSeq(organizationId);
    await until(last);
    expect(frames.slice(0, 3)).toMatchObject([
      { kind: "hello", lastSeq: before },
      { kind: "reset", reason },
      {
        kind: "snapshot",
        seq: before,
        isLast: true,
        issues: [{ id: issueId, status: "QUEUED", costMicroUsd: 0, jobs: [{ id: jobId, status: "PENDING" }] }],
      },
    ]);
    expectChain(of("events"), before);
    expect(of("events").flatMap(({ events }) => events)[0]).toMatchObject({ seq: before + 1, issueId: later });
  });

  test("with an issue asked for gets the snapshot of that issue, if its viewer may see it", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, { createdById: "me" });
    await submit(organizationId, { createdById: "me" });
    const beyond = { after: 999, issueId };
    const owner = await watch(organizationId, beyond);
    const stranger = await watch(organizationId, { ...beyond, visibility: { kind: "own", userIds: ["you"] } });
    await vi.waitUntil(() => stranger.of("snapshot").length > 0);
    expect(owner.of("snapshot")[0]?.issues.map(({ id }) => id)).toEqual([issueId]);
    expect(stranger.of("snapshot")[0]?.issues).toEqual([]);
  });

  test("replays a long log in several frames, while others are served", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const logs = Array.from({ length: 1_200 }, (_, index) => ({
      level: "INFO" as const,
      message: `line ${index}`,
      data: null,
    }));
    await objectOf(organizationId).checkpoint(checkpointOf(work, { logs }));
    const last = await lastSeq(organizationId);
    const { of, events, until } = await watch(organizationId, { after: 0 });
    await submit(organizationId);
    await until(last);
    expect(
      events()
        .map(({ seq }) => seq)
        .slice(0, last),
    ).toEqual(numbers(1, last));
    expect(of("events").length).toBeGreaterThan(2);
    expectChain(of("events"), 0);
  });

  test("shows only what its viewer may see, and only the issue asked for", async () => {
    const organizationId = mintOrganizationId();
    const mine = await submit(organizationId, { createdById: "me" });
    const other = await submit(organizationId, { createdById: "someone-else" });
    const alsoMine = await submit(organizationId, { createdById: "me" });
    const ownOnly = { kind: "own", userIds: ["me"] } as const;
    const own = await watch(organizationId, { after: 0, visibility: { ...ownOnly, userIds: ["me"] } });
    const single = await watch(organizationId, { after: 0, issueId: other.issueId });
    const forbidden = await watch(organizationId, {
      after: 0,
      issueId: other.issueId,
      visibility: { ...ownOnly, userIds: ["me"] },
    });
    const later = await submit(organizationId, { createdById: "me" });
    const last = (await allEvents(organizationId)).findLast(({ issueId }) => issueId === later.issueId);
    await own.until(last?.seq ?? 0);

    const seenBy = (viewer: Awaited<ReturnType<typeof watch>>) =>
      new Set(viewer.events().map(({ issueId }) => issueId));
    expect(seenBy(own)).toEqual(new Set([mine.issueId, alsoMine.issueId, later.issueId]));
    expectChain(own.of("events"), 0);
    expect(seenBy(single)).toEqual(new Set([other.issueId]));
    expectChain(single.of("events"), 0);
    expect(forbidden.frames.map(({ kind }) => kind)).toEqual(["hello"]);
  });

  test("passes on a running model's words, unless the slice is over, and tells whether anybody watches", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, { createdById: "me" });
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    const ref = { organizationId, jobId: job.id, epoch };
    const stranger = await watch(organizationId, { visibility: { kind: "own", userIds: ["you"] } });
    expect(await objectOf(organizationId).streamText({ ...ref, text: "to nobody" })).toEqual({ watched: false });
    const owner = await watch(organizationId, { visibility: { kind: "own", userIds: ["me"] } });
    const zombie = await objectOf(organizationId).streamText({ ...ref, epoch: epoch + 1, text: "from a zombie" });
    expect(zombie).toEqual({ watched: false });
    expect(await objectOf(organizationId).streamText({ ...ref, text: "Look" })).toEqual({ watched: true });
    expect(await objectOf(organizationId).streamText({ ...ref, text: "ing" })).toEqual({ watched: true });
    const words = () => owner.of("text").map(({ text }) => text);
    await vi.waitUntil(() => words().join("") === "Looking");
    expect(owner.of("text")[0]).toMatchObject({ issueId, jobId: job.id });
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
    expectChain(staying.of("events"), 0);
    expect(
      staying
        .events()
        .map(({ seq }) => seq)
        .slice(0, last),
    ).toEqual(numbers(1, last));
  });

  test("takes acknowledgements, and is closed when it says anything else", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const acknowledging = await watch(organizationId, { after: 0 });
    await acknowledging.until(1);
    acknowledging.webSocket.send(JSON.stringify({ ack: 1 }));
    const chatting = await watch(organizationId, { after: 0 });
    chatting.webSocket.send("hello?");
    await vi.waitUntil(() => chatting.closings.length > 0);
    expect(chatting.closings[0]?.code).toBe(1003);
    await submit(organizationId);
    await acknowledging.until(await lastSeq(organizationId));
    expect(acknowledging.closings).toEqual([]);
  });

  test("is closed as the oldest when its person opens one too many, also across an eviction", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const oldest = await watch(organizationId);
    const other = await watch(organizationId, { person: "user:grace" });
    const later = [];
    for (let count = 1; count < 20; count += 1) later.push(await watch(organizationId));
    await evict(organizationId);
    expect(oldest.closings).toEqual([]);
    const newest = await watch(organizationId, { after: 0 });
    await vi.waitUntil(() => oldest.closings.length > 0);
    expect(oldest.closings[0]?.code).toBe(4001);
    await newest.until(1);
    expect([other, ...later].flatMap(({ closings }) => closings)).toEqual([]);
  });

  test("is refused without an upgrade", async () => {
    const organizationId = mintOrganizationId();
    const response = await forwardLiveUpgrade(env, new Request("https://edge.test/live"), viewerOf(organizationId));
    expect(response.status).toBe(426);
  });
});

describe("a live socket's credential", () => {
  const alarm = (organizationId: string) => runDurableObjectAlarm(env.ORGANIZATIONS.getByName(organizationId));

  test("closes it when it ends, across an eviction and without a message; a later one stays open", async () => {
    const organizationId = mintOrganizationId();
    const nowMs = testClock.nowMs();
    const [first, second] = [
      await watch(organizationId, { closesAtMs: nowMs + 60_000 }),
      await watch(organizationId, { closesAtMs: nowMs + 120_000 }),
    ];
    await alarm(organizationId);
    expect(first.closings).toEqual([]);
    await evict(organizationId);
    advanceMs(60_000);
    await alarm(organizationId);
    await vi.waitUntil(() => first.closings.length === 1);
    expect(first.closings).toMatchObject([{ code: liveCloseCodes.credentialEnded }]);
    expect(second.closings).toEqual([]);
    advanceMs(60_000);
    await alarm(organizationId);
    await vi.waitUntil(() => second.closings.length === 1);
    expect(await alarm(organizationId)).toBe(false);
  });

  test("has nothing sent that comes after its end, though the alarm is late", async () => {
    const organizationId = mintOrganizationId();
    const { closings, events } = await watch(organizationId, { closesAtMs: testClock.nowMs() + 60_000 });
    advanceMs(60_000);
    await submit(organizationId);
    await vi.waitUntil(() => closings.length === 1);
    expect(events()).toEqual([]);
  });

  test("is used up when it is a ticket: of 20 parallel upgrades one opens", async () => {
    const organizationId = mintOrganizationId();
    const ticket = { expiresAtMs: testClock.nowMs() + 30_000 };
    const request = new Request("https://edge.test/live", { headers: { Upgrade: "websocket" } });
    const upgrade = async (id: string) => {
      const viewer = viewerOf(organizationId, { ticket: { ...ticket, id } });
      const { status, webSocket } = await forwardLiveUpgrade(env, request, viewer);
      webSocket?.accept();
      webSocket?.close();
      return status;
    };
    const statuses = await Promise.all(Array.from({ length: 20 }, () => upgrade("tkt_1")));
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(19);
    await evict(organizationId);
    expect(await upgrade("tkt_1")).toBe(401);
    expect(await upgrade("tkt_2")).toBe(101);
  });
});
