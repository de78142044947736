/** What an organization remembers of its tables is what they hold: against a naive model, with rollbacks and evictions. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NewEvent } from "../../src/contracts/events.ts";
import type { IssueRecord, JobRecord } from "../../src/contracts/records.ts";
import type { BlockingLimit } from "../../src/contracts/status.ts";
import { EventLog } from "../../src/durable-objects/organization/event-log.ts";
import { IssueTable } from "../../src/durable-objects/organization/issue-table.ts";
import type { JobState } from "../../src/durable-objects/organization/job-state.ts";
import { JobTable } from "../../src/durable-objects/organization/job-table.ts";
import { idleJob } from "../../src/durable-objects/organization/new-job.ts";
import { queueKey } from "../../src/durable-objects/organization/schedule.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { StorageMemory } from "../../src/durable-objects/storage-memory.ts";
import { createMemoryStorage, type MemoryStorage } from "./memory-sql.ts";

class Refused extends Error {}

/** Runs transactions as an object does, over a storage that outlives any instance. */
class Instance {
  readonly storage: MemoryStorage;
  readonly memory: StorageMemory;
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly log: EventLog;

  constructor(storage: MemoryStorage) {
    this.storage = storage;
    this.memory = new StorageMemory(storage);
    this.issues = new IssueTable(storage.sql, this.memory);
    this.jobs = new JobTable(storage.sql, this.memory);
    this.log = new EventLog(storage, this.memory, "inc_test");
  }

  /** Whether the work was stored: all of it is undone when it throws `Refused`. */
  transaction(work: () => void): boolean {
    try {
      this.storage.transactionSync(() => this.memory.within(work));
      return true;
    } catch (error) {
      this.memory.forget();
      if (error instanceof Refused) return false;
      throw error;
    }
  }
}

function newStorage(): MemoryStorage {
  const storage = createMemoryStorage();
  for (const migration of organizationMigrations) storage.sql.exec(migration);
  return storage;
}

function issueOf(id: string, title: string): IssueRecord {
  return {
    id,
    organizationId: "org",
    externalId: null,
    source: "MANUAL",
    type: "BUG",
    priority: "HIGH",
    title,
    description: "",
    context: {},
    status: "QUEUED",
    createdById: null,
    submitterLevel: "STAFF",
    requestedAgentType: null,
    requestedModel: null,
    notBeforeMs: null,
    expiresAtMs: null,
    concurrencyKey: null,
    triage: null,
    correlationId: "req",
    costMicroUsd: 0,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

function jobOf(id: string, issueId: string, priority: number, createdAtMs: number): JobState {
  const record: JobRecord = {
    id,
    issueId,
    organizationId: "org",
    role: "triage",
    agentType: "meta.triage",
    model: "haiku",
    modelReason: "",
    status: "PENDING",
    pausedReason: null,
    priority,
    attempts: 0,
    maxAttempts: 3,
    startedAtMs: null,
    completedAtMs: null,
    error: null,
    config: {},
    result: null,
    retryOf: null,
    costMicroUsd: 0,
    createdAtMs,
    updatedAtMs: createdAtMs,
  };
  return idleJob(record);
}

describe("the waiting jobs", () => {
  const minuteMs = 60_000;
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("add" as const), priority: fc.constantFrom(1, 2, 5, 10) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom("grant", "release", "start", "end", "delay", "resave"),
        which: fc.nat({ max: 60 }),
        isRead: fc.boolean(),
        byMinutes: fc.integer({ min: 1, max: 30 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("time" as const), byMinutes: fc.integer({ min: -20, max: 40 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("evict" as const) }) },
  );

  function changed(job: JobState, kind: string, untilMs: number): JobState {
    const slot = { slotId: `slot-${job.record.id}`, slotNumber: 0 };
    switch (kind) {
      case "grant":
        return job.record.status === "PENDING" ? { ...job, slot } : job;
      case "release":
        return { ...job, slot: null };
      case "start":
        return { ...job, slot, record: { ...job.record, status: "RUNNING" } };
      case "end":
        return { ...job, slot: null, record: { ...job.record, status: "COMPLETED" } };
      case "delay":
        return { ...job, slot: null, readyAtMs: untilMs, record: { ...job.record, status: "PENDING" } };
      default:
        return job;
    }
  }

  function saveOne(
    jobs: JobTable,
    model: Map<string, JobState>,
    { which, isRead, kind, byMinutes }: { which: number; isRead: boolean; kind: string; byMinutes: number },
    nowMs: number,
  ): void {
    const job = [...model.values()][which % Math.max(1, model.size)];
    if (job === undefined) return;
    expect(isRead ? jobs.find(job.record.id) : job).toEqual(job);
    const saved = changed(job, kind, nowMs + byMinutes * minuteMs);
    jobs.save(saved);
    model.set(job.record.id, saved);
  }

  test("are those that the table holds, whatever was added, changed, undone or forgotten meanwhile", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 6 }), isRefused: fc.boolean() }), {
          maxLength: 14,
        }),
        (transactions) => {
          const storage = newStorage();
          let instance = new Instance(storage);
          let model = new Map<string, JobState>();
          let nowMs = 100 * minuteMs;
          let count = 0;
          for (const { steps, isRefused } of transactions) {
            const before = model;
            model = new Map(model);
            for (const { kind } of steps) if (kind === "evict") instance = new Instance(storage);
            const isStored = instance.transaction(() => {
              for (const taken of steps) {
                if (taken.kind === "time") nowMs += taken.byMinutes * minuteMs;
                else if (taken.kind === "add") {
                  count += 1;
                  const job = jobOf(`job_${count}`, `iss_${count % 5}`, taken.priority, nowMs);
                  instance.jobs.add(job);
                  model.set(job.record.id, job);
                } else if (taken.kind !== "evict") saveOne(instance.jobs, model, taken, nowMs);
                expectSame(instance.jobs, model, nowMs);
              }
              if (isRefused) throw new Refused();
            });
            expect(isStored).toBe(!isRefused);
            if (!isStored) model = before;
            expectSame(instance.jobs, model, nowMs);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("have their places told in a flood of any urgency, exactly up to a bound, without being counted anew", () => {
    const storage = newStorage();
    const instance = new Instance(storage);
    const { jobs } = instance;
    const places: (readonly [number, string])[] = [];
    const flood = 1_400;
    for (let index = 0; index < flood; index += 1) {
      // Several in a millisecond, with ids by chance.
      const id = `job_${(index * 7_919) % 10_007}`;
      const job = jobOf(id, `iss_${index}`, [1, 2, 5, 10][index % 4] ?? 5, 100 * minuteMs + Math.floor(index / 5));
      const key = queueKey(job.record);
      const before = places.filter(
        ([otherKey, otherId]) => otherKey < key || (otherKey === key && otherId < id),
      ).length;
      instance.transaction(() => {
        jobs.add(job);
        expect(jobs.countBefore(job.record, 200 * minuteMs)).toBe(Math.min(1_000, before));
      });
      places.push([key, id]);
    }
    expect(storage.counts.reduce((sum, count) => sum + count, 0)).toBeLessThan(4 * flood);
  });

  function expectSame(jobs: JobTable, model: ReadonlyMap<string, JobState>, nowMs: number): void {
    const all = [...model.values()];
    const order = (job: JobState): readonly [number, string] => [queueKey(job.record), job.record.id];
    const isFirst = ([leftKey, leftId]: readonly [number, string], [key, id]: readonly [number, string]): boolean =>
      leftKey < key || (leftKey === key && leftId < id);
    const waiting = all
      .filter(({ record, slot, readyAtMs }) => record.status === "PENDING" && slot === null && readyAtMs <= nowMs)
      .toSorted((left, right) => (isFirst(order(left), order(right)) ? -1 : 1));
    expect(jobs.firstWaiting(nowMs, 7).map(({ jobId }) => jobId)).toEqual(
      waiting.slice(0, 7).map(({ record }) => record.id),
    );
    expect(jobs.firstWaiting(nowMs, 40)).toHaveLength(Math.min(40, waiting.length));
    expect(jobs.waiting(nowMs, 3, { kind: "none" })).toEqual(jobs.waiting(nowMs, 3, noneHeld));
    const last = all.at(-1) ?? jobOf("none", "none", 1, 0);
    const before = waiting.filter((job) => isFirst(order(job), order(last))).length;
    expect(jobs.countBefore(last.record, nowMs)).toBe(before);
    expect(jobs.backlog()).toBe(all.filter(({ record }) => record.status === "PENDING").length);
    expect(jobs.heldSlotIds()).toEqual(all.flatMap(({ slot }) => slot?.slotId ?? []).toSorted());
    expect(jobs.ofIssue("iss_1")).toEqual(all.filter(({ record }) => record.issueId === "iss_1"));
  }

  /** Has the table asked as if switches held something. */
  const noneHeld = { kind: "some", agents: [], modules: [], models: [] } as const;
});

describe("issues and events", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const) }),
    fc.record({ kind: fc.constant("save" as const), which: fc.nat({ max: 9 }), title: fc.string({ maxLength: 3 }) }),
    fc.record({
      kind: fc.constant("tell" as const),
      which: fc.nat({ max: 9 }),
      limit: fc.constantFrom<BlockingLimit | undefined>(undefined, null, "switch", "budget"),
    }),
    fc.record({
      kind: fc.constant("append" as const),
      which: fc.nat({ max: 9 }),
      times: fc.integer({ min: 1, max: 70 }),
    }),
    fc.record({ kind: fc.constant("query" as const) }),
    fc.record({ kind: fc.constant("evict" as const) }),
  );

  interface Model {
    readonly issues: Map<
      string,
      { readonly issue: IssueRecord; readonly told: { readonly limit: BlockingLimit } | null }
    >;
    readonly events: string[];
  }

  const event = (issueId: string): NewEvent => ({
    type: "job.slice_started",
    issueId,
    jobId: "job_1",
    data: { epoch: 1, dispatchId: "dsp_1" },
  });

  function expectSame({ issues, log }: Instance, model: Model): void {
    for (const [id, { issue, told }] of model.issues) {
      expect(issues.find(id)).toEqual(issue);
      expect(issues.toldLimit(id)).toEqual(told);
    }
    expect(log.lastSeq()).toBe(model.events.length);
  }

  type Step = typeof step extends fc.Arbitrary<infer Taken> ? Taken : never;

  function expectRead(
    events: readonly { readonly issueId: string }[],
    issues: readonly IssueRecord[],
    model: Model,
  ): void {
    expect(events.map(({ issueId }) => issueId)).toEqual(model.events);
    expect(issues).toEqual([...model.issues.values()].map(({ issue }) => issue));
  }

  function takeStep({ issues, log }: Instance, model: Model, taken: Step): void {
    const known = [...model.issues.values()];
    if (taken.kind === "evict") return;
    if (taken.kind === "query") return expectRead(log.after(0, 1_000), issues.listOpen("", 100), model);
    if (taken.kind === "add") {
      const issue = issueOf(`iss_${String(known.length).padStart(3, "0")}`, "new");
      issues.add(issue);
      model.issues.set(issue.id, { issue, told: null });
      return;
    }
    const entry = known[taken.which % Math.max(1, known.length)];
    if (entry === undefined) return;
    const { id } = entry.issue;
    if (taken.kind === "save") {
      const issue = { ...entry.issue, title: taken.title };
      issues.save(issue, log.lastSeq());
      model.issues.set(id, { ...entry, issue });
    } else if (taken.kind === "tell") {
      const told = taken.limit === undefined ? null : { limit: taken.limit };
      issues.tell(id, told);
      model.issues.set(id, { ...entry, told });
    } else {
      for (let time = 0; time < taken.times; time += 1) {
        log.append(event(id), 0);
        model.events.push(id);
      }
    }
  }

  function expectWritten({ writes }: MemoryStorage, atMost: number): void {
    const isIssue = (text: string): boolean => text.includes("INTO issues");
    expect(writes.filter(isIssue).length).toBeLessThanOrEqual(atMost);
    expect(atMost === 0 ? writes : []).toEqual([]);
  }

  test("are written once a transaction, and read by every query as they are to be", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 8 }), isRefused: fc.boolean() }), {
          maxLength: 8,
        }),
        (transactions) => {
          const storage = newStorage();
          let instance = new Instance(storage);
          let model: Model = { issues: new Map(), events: [] };
          for (const { steps, isRefused } of transactions) {
            const before = model;
            model = { issues: new Map(model.issues), events: [...model.events] };
            for (const { kind } of steps) if (kind === "evict") instance = new Instance(storage);
            const { log } = instance;
            // Asking for the last number is a query: not one of those that are counted.
            expect(log.lastSeq()).toBe(model.events.length);
            storage.writes.length = 0;
            const isStored = instance.transaction(() => {
              for (const taken of steps) {
                takeStep(instance, model, taken);
                expectSame(instance, model);
              }
              if (isRefused) throw new Refused();
            });
            // A query in between has what waits written before it.
            const queries = steps.filter(({ kind }) => kind === "query").length;
            expectWritten(storage, isStored || queries > 0 ? model.issues.size * (queries + 1) : 0);
            if (!isStored) model = before;
            expectSame(instance, model);
            expectSame(new Instance(storage), model);
            expect(instance.log.after(0, 1_000).map(({ issueId, seq }) => `${seq}:${issueId}`)).toEqual(
              model.events.map((issueId, index) => `${index + 1}:${issueId}`),
            );
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("keep what an earlier release had told of why they wait", () => {
    const storage = createMemoryStorage();
    const upTo = organizationMigrations.findIndex((migration) => migration.includes("DROP TABLE told_limits"));
    for (const migration of organizationMigrations.slice(0, upTo)) storage.sql.exec(migration);
    for (const id of ["iss_held", "iss_running", "iss_new"]) {
      storage.sql.exec(
        `INSERT INTO issues (id, created_at_ms, status, type, priority, last_seq, record)
         VALUES (?, 0, 'QUEUED', 'BUG', 'LOW', 0, '{}')`,
        id,
      );
    }
    storage.sql.exec(`INSERT INTO told_limits VALUES ('iss_held', 'switch'), ('iss_running', NULL)`);
    for (const migration of organizationMigrations.slice(upTo)) storage.sql.exec(migration);
    const { issues } = new Instance(storage);
    expect(["iss_held", "iss_running", "iss_new"].map((id) => issues.toldLimit(id))).toEqual([
      { limit: "switch" },
      { limit: null },
      null,
    ]);
  });
});
