/** Live sockets over a real storage, with sockets, time and evictions of the test's own making. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import { liveCloseCodes, type LiveFrame, liveFrameSchema } from "../../src/contracts/live-frames.ts";
import type { LiveViewer } from "../../src/contracts/live-viewer.ts";
import type { IssueRecord } from "../../src/contracts/records.ts";
import { createLogger } from "../../src/core/log.ts";
import { EventLog } from "../../src/durable-objects/organization/event-log.ts";
import { IssueTable } from "../../src/durable-objects/organization/issue-table.ts";
import { JobTable } from "../../src/durable-objects/organization/job-table.ts";
import { LiveFeed } from "../../src/durable-objects/organization/live-feed.ts";
import type { ServerSocket } from "../../src/durable-objects/live/live-socket-state.ts";
import { LiveSockets } from "../../src/durable-objects/organization/live-sockets.ts";
import type { LiveSettings } from "../../src/durable-objects/live/live-stream.ts";
import { StorageMemory } from "../../src/durable-objects/storage-memory.ts";
import { allEvents, everything, mintOrganizationId, objectOf, submit } from "./organization-driver.ts";

const silent = createLogger({}, () => undefined);
const issueIds = ["iss_a", "iss_b", "iss_c"];
const creators = ["me", "me", "someone-else"];

/** What the test's events and issues are made from. */
interface Template {
  readonly event: OrganizationEvent;
  readonly issue: IssueRecord;
}

/** The server's end of a socket; it stays when the object's memory goes, and so does its attachment. */
class FakeSocket implements ServerSocket {
  readyState = 1;
  readonly frames: LiveFrame[] = [];
  closed: { readonly code: number | undefined; readonly reason: string | undefined } | null = null;
  #attachment: string | null = null;

  send(data: string | ArrayBuffer | ArrayBufferView): void {
    if (typeof data !== "string") throw new TypeError("frames are text");
    this.frames.push(liveFrameSchema.parse(JSON.parse(data)));
  }
  close(code?: number, reason?: string): void {
    this.closed = { code, reason };
    this.readyState = 2;
  }
  serializeAttachment(value: unknown): void {
    this.#attachment = JSON.stringify(value);
  }
  deserializeAttachment(): unknown {
    return this.#attachment === null ? null : JSON.parse(this.#attachment);
  }

  events(): readonly OrganizationEvent[] {
    return this.frames.flatMap((frame) => (frame.kind === "events" ? frame.events : []));
  }
}

/** An organization's log with its sockets; time moves by hand. */
class World {
  readonly sockets: FakeSocket[] = [];
  readonly appended: OrganizationEvent[] = [];
  #nowMs = 1_000_000;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly #storage: DurableObjectStorage;
  readonly #template: Template;
  readonly #settings: LiveSettings;
  log: EventLog;
  live: LiveSockets;

  constructor(storage: DurableObjectStorage, template: Template, settings: Partial<LiveSettings> = {}) {
    this.#storage = storage;
    this.#template = template;
    this.#settings = { socketsPerPerson: 100, unackedMaxBytes: Number.MAX_SAFE_INTEGER, ...settings };
    storage.sql.exec("DELETE FROM events; DELETE FROM issues; DELETE FROM jobs;");
    storage.kv.delete("prunedSeq");
    const issues = new IssueTable(storage.sql, new StorageMemory(storage));
    for (const [index, id] of issueIds.entries()) {
      issues.save({ ...template.issue, id, createdById: creators[index] ?? null });
    }
    [this.log, this.live] = this.#wake();
  }

  /** Forgets everything that was in memory only: the coming round too. */
  evict(): void {
    this.#timers = [];
    [this.log, this.live] = this.#wake();
    this.live.resume();
  }

  open(viewer: Partial<LiveViewer> = {}): FakeSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    const anew = {
      person: "user:ada",
      closesAtMs: Number.MAX_SAFE_INTEGER,
      ticket: null,
      after: null,
      incarnation: null,
      issueId: null,
    };
    this.live.open(socket, { organizationId: "org", visibility: everything, ...anew, ...viewer });
    return socket;
  }

  append(issueId: string, message = "line"): void {
    const template = this.#template.event;
    if (template.type !== "log.written") throw new Error("the template is a log line");
    const { type, jobId, data } = template;
    const log = { ...data.log, message };
    this.appended.push(this.log.append({ type, issueId, jobId, data: { log } }, this.#nowMs));
    this.live.resume();
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#timers.toSorted((left, right) => left.atMs - right.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #wake(): [EventLog, LiveSockets] {
    const storage = this.#storage;
    const memory = new StorageMemory(storage);
    const log = new EventLog(storage, memory, "inc_test");
    const issues = new IssueTable(storage.sql, memory);
    const feed = new LiveFeed({ log, issues, jobs: new JobTable(storage.sql, memory) });
    const live = new LiveSockets({
      context: { acceptWebSocket: () => undefined, getWebSockets: () => this.sockets },
      feed,
      log,
      clock: { nowMs: () => this.#nowMs },
      settings: this.#settings,
      setTimer: (delayMs, run) => this.#timers.push({ atMs: this.#nowMs + delayMs, run }),
      logger: silent,
    });
    return [log, live];
  }
}

let template: Template;

beforeAll(async () => {
  const organizationId = mintOrganizationId();
  const { issueId } = await submit(organizationId);
  const [first] = await allEvents(organizationId);
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (first === undefined || detail === null) throw new Error("nothing was submitted");
  const log = { id: "log_1", jobId: "job_1", level: "INFO", message: "line", data: null, atMs: 0 } as const;
  template = {
    event: { seq: first.seq, atMs: 0, issueId, jobId: "job_1", type: "log.written", data: { log } },
    issue: detail.issue,
  };
});

/** Runs a test with the storage of an object that nobody else uses. */
function withStorage(work: (storage: DurableObjectStorage) => void): Promise<void> {
  const stub = env.ORGANIZATIONS.getByName(mintOrganizationId());
  return runInDurableObject(stub, (_object, { storage }) => {
    work(storage);
  });
}

type Filter = Pick<LiveViewer, "visibility" | "issueId">;

const filters: readonly Filter[] = [
  { visibility: { kind: "all" }, issueId: null },
  { visibility: { kind: "all" }, issueId: "iss_b" },
  { visibility: { kind: "own", userIds: ["me"] }, issueId: null },
  { visibility: { kind: "own", userIds: ["me"] }, issueId: "iss_a" },
  { visibility: { kind: "own", userIds: ["me"] }, issueId: "iss_c" },
];

function isFor({ visibility, issueId }: Filter, event: OrganizationEvent): boolean {
  if (issueId !== null && issueId !== event.issueId) return false;
  return visibility.kind === "all" || creators[issueIds.indexOf(event.issueId)] === "me";
}

/** A client as the contract describes it: it connects again with the last number that it knows. */
interface Client {
  readonly filter: Filter;
  /** Where each of its streams began, and what came of it. */
  readonly streams: { readonly socket: FakeSocket; readonly asked: number }[];
}

/** Where the stream goes on from: what was asked for, or the first page's number after a reset. */
function knownSeq({ socket, asked }: Client["streams"][number]): number {
  let seq = asked;
  let isFirstPage = false;
  for (const frame of socket.frames) {
    if (frame.kind === "reset") isFirstPage = true;
    if (frame.kind === "snapshot" && isFirstPage) {
      seq = frame.seq;
      isFirstPage = false;
    }
    if (frame.kind === "events") seq = frame.events.at(-1)?.seq ?? seq;
  }
  return seq;
}

/** Every stream holds exactly the events that it should, between where it (re)began and where it is, in one chain. */
function checkStream(
  { filter }: Client,
  stream: Client["streams"][number],
  appended: readonly OrganizationEvent[],
): void {
  let from = stream.asked;
  let isFirstPage = false;
  for (const frame of stream.socket.frames) {
    if (frame.kind === "reset") isFirstPage = true;
    if (frame.kind === "snapshot" && isFirstPage) {
      from = frame.seq;
      isFirstPage = false;
    }
    if (frame.kind !== "events") continue;
    expect(frame.prevSeq).toBe(from);
    const last = frame.events.at(-1)?.seq ?? from;
    const expected = appended.filter((event) => event.seq > from && event.seq <= last && isFor(filter, event));
    expect(frame.events).toEqual(expected);
    from = last;
  }
}

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      issue: fc.nat(2),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), byMs: fc.integer({ min: 1, max: 120 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("evict" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("connect" as const),
      filter: fc.nat(filters.length - 1),
      back: fc.nat(8),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), client: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("prune" as const), count: fc.integer({ min: 1, max: 6 }) }) },
);

describe("live sockets", () => {
  test("show every viewer everything that is for him, once and in order, whatever happens", async () => {
    await withStorage((storage) => {
      fc.assert(
        fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
          const world = new World(storage, template);
          const clients: Client[] = [];
          const connect = (client: Client, asked: number): void => {
            const socket = world.open({ ...client.filter, after: asked });
            client.streams.push({ socket, asked });
          };
          for (const step of commands) {
            if (step.kind === "append") {
              for (let count = 0; count < step.times; count += 1) world.append(issueIds[step.issue] ?? "iss_a");
            } else if (step.kind === "advance") world.advance(step.byMs);
            else if (step.kind === "evict") world.evict();
            else if (step.kind === "prune") world.log.prune(world.log.prunedSeq() + step.count, step.count);
            else if (step.kind === "connect") {
              const client: Client = {
                filter: filters[step.filter] ?? { visibility: everything, issueId: null },
                streams: [],
              };
              clients.push(client);
              connect(client, Math.max(0, world.log.lastSeq() - step.back));
            } else {
              const client = clients[step.client];
              const stream = client?.streams.at(-1);
              if (client === undefined || stream === undefined) continue;
              stream.socket.close();
              connect(client, knownSeq(stream));
            }
          }
          world.advance(1_000);
          const last = world.log.lastSeq();
          expect(last).toBe(world.appended.length);
          for (const client of clients) {
            for (const stream of client.streams) checkStream(client, stream, world.appended);
            const stream = client.streams.at(-1);
            if (stream === undefined) continue;
            const missing = world.appended.filter(
              (event) => event.seq > knownSeq(stream) && isFor(client.filter, event),
            );
            expect(missing).toEqual([]);
          }
        }),
        { numRuns: 300 },
      );
    });
  });

  test("send the first event at once and a burst as one frame, which all of one filter share", async () => {
    await withStorage((storage) => {
      const world = new World(storage, template);
      const [one, other] = [world.open(), world.open()];
      world.advance(1_000);
      for (let count = 0; count < 100; count += 1) world.append("iss_a");
      const eventFrames = (socket: FakeSocket) => socket.frames.filter(({ kind }) => kind === "events");
      expect(eventFrames(one)).toHaveLength(1);
      expect(one.events()).toHaveLength(1);
      world.advance(49);
      expect(one.events()).toHaveLength(1);
      world.advance(1);
      expect(eventFrames(one)).toHaveLength(2);
      expect(one.events()).toHaveLength(100);
      expect(other.frames).toEqual(one.frames);
    });
  });

  test("send frames of bounded size, and an event that is larger alone", async () => {
    await withStorage((storage) => {
      const world = new World(storage, template);
      for (const size of [100_000, 100_000, 100_000, 600_000, 10]) world.append("iss_a", "x".repeat(size));
      const socket = world.open({ after: 0 });
      world.advance(1_000);
      const counts = socket.frames.flatMap((frame) => (frame.kind === "events" ? [frame.events.length] : []));
      expect(counts).toEqual([2, 1, 1, 1]);
      expect(socket.events().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    });
  });

  test("cut off a reader who acknowledges nothing beyond the bound, and nobody else", async () => {
    await withStorage((storage) => {
      const world = new World(storage, template, { unackedMaxBytes: 10_000 });
      const [slow, good] = [world.open(), world.open()];
      for (let count = 1; count <= 40; count += 1) {
        world.append("iss_a", "x".repeat(500));
        world.advance(50);
        world.live.receive(good, JSON.stringify({ ack: good.events().at(-1)?.seq }));
      }
      expect(slow.closed?.code).toBe(liveCloseCodes.slowReader);
      expect(new TextEncoder().encode(slow.closed?.reason).byteLength).toBeLessThanOrEqual(123);
      expect(good.closed).toBeNull();
      expect(good.events()).toHaveLength(40);

      const again = world.open({ after: slow.events().at(-1)?.seq ?? 0 });
      world.advance(1_000);
      const numbers = [...slow.events(), ...again.events()].map(({ seq }) => seq);
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
    });
  });

  test("tell a number that is kept no longer, and go on after the snapshot", async () => {
    await withStorage((storage) => {
      const world = new World(storage, template);
      for (let count = 0; count < 10; count += 1) world.append("iss_a");
      world.log.prune(6, 100);
      const late = world.open({ after: 3 });
      const inTime = world.open({ after: 6 });
      world.append("iss_b");
      world.advance(1_000);
      expect(late.frames.map(({ kind }) => kind)).toEqual(["hello", "reset", "snapshot", "events"]);
      expect(late.frames[0]).toMatchObject({ firstSeq: 7, lastSeq: 10 });
      expect(late.frames[1]).toEqual({ kind: "reset", reason: "not_kept" });
      expect(late.frames[2]).toMatchObject({ seq: 10, isLast: true });
      expect(late.events().map(({ seq }) => seq)).toEqual([11]);
      expect(inTime.events().map(({ seq }) => seq)).toEqual([7, 8, 9, 10, 11]);
    });
  });

  test("send a long snapshot in pages, each once, also across an eviction", async () => {
    await withStorage((storage) => {
      const world = new World(storage, template);
      const issues = new IssueTable(storage.sql, new StorageMemory(storage));
      const ids = Array.from({ length: 120 }, (_, index) => `iss_p${String(index).padStart(3, "0")}`);
      for (const id of ids) issues.save({ ...template.issue, id });
      issues.save({ ...template.issue, id: "iss_p050", status: "COMPLETED" });
      world.append("iss_a");
      const socket = world.open({ after: 99 });
      world.evict();
      world.append("iss_b");
      world.advance(1_000);
      const pages = socket.frames.filter((frame) => frame.kind === "snapshot");
      expect(pages.map(({ isLast }) => isLast)).toEqual([false, false, true]);
      const seen = pages.flatMap((page) => page.issues.map(({ id }) => id));
      expect(seen).toEqual([...issueIds, ...ids.filter((id) => id !== "iss_p050")]);
      expect(socket.frames.at(-1)).toMatchObject({ kind: "events", prevSeq: pages[0]?.seq });
    });
  });
});
