import { evictAllDurableObjects, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { BlockingLimit } from "../../src/contracts/status.ts";
import type { IssueDetail } from "../../src/contracts/organization-rpc.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { migrateSchema } from "../../src/durable-objects/schema-version.ts";
import {
  allEvents,
  claim,
  clients,
  codeChange,
  everything,
  jobMessages,
  mintOrganizationId,
  nextJobMessage,
  objectOf,
  runJob,
  type SubmissionChanges,
  submit,
  submitCommand,
  termsFor,
  triaged,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const named = { requestedAgentType: "briefs.status-workflow" } as const;
const done = { role: "work", summary: "Nothing to change." } as const;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

async function readIssue(organizationId: string, issueId: string): Promise<IssueDetail | null> {
  return objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
}

async function statusOf(organizationId: string, issueId: string): Promise<string | undefined> {
  return (await readIssue(organizationId, issueId))?.issue.status;
}

/** Moves the clock and lets the organization act on what is due. */
async function pass(organizationId: string, byMs: number): Promise<void> {
  advanceMs(byMs);
  await runDurableObjectAlarm(stubOf(organizationId));
}

describe("an issue that is put off", () => {
  test("is pending until its time, also over an eviction, and then starts by itself", async () => {
    const organizationId = mintOrganizationId();
    const receipt = await submit(organizationId, { ...named, notBeforeMs: testClock.nowMs() + 10 * minuteMs });
    expect(receipt.status).toBe("PENDING");
    expect(await statusOf(organizationId, receipt.issueId)).toBe("PENDING");
    await evictAllDurableObjects();
    await pass(organizationId, 9 * minuteMs);
    expect(await statusOf(organizationId, receipt.issueId)).toBe("PENDING");
    expect(jobMessages(organizationId)).toEqual([]);
    await pass(organizationId, minuteMs);
    expect(await statusOf(organizationId, receipt.issueId)).toBe("QUEUED");
    await runJob(organizationId, 0, done);
    const statuses = (await allEvents(organizationId)).flatMap((event) =>
      event.type === "issue.status_changed" ? event.data.status : [],
    );
    expect(statuses).toEqual(["QUEUED", "PROCESSING", "COMPLETED"]);
  });

  test("to a time that has passed starts at once", async () => {
    const organizationId = mintOrganizationId();
    const receipt = await submit(organizationId, { ...named, notBeforeMs: testClock.nowMs() - 1 });
    expect(receipt.status).toBe("QUEUED");
    await nextJobMessage(organizationId);
  });
});

describe("an issue that expires", () => {
  const expiring = (): SubmissionChanges => ({ ...named, expiresAtMs: testClock.nowMs() + 10 * minuteMs });

  test("while it waits is cancelled, and what runs goes on to its end", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { concurrentJobs: 1 });
    const running = await submit(organizationId, { terms, expiresAtMs: testClock.nowMs() + 10 * minuteMs });
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    const waiting = await submit(organizationId, { ...expiring(), terms });
    for (let passed = 0; passed < 11; passed += 1) {
      await objectOf(organizationId).renewLease({ organizationId, jobId: job.id, epoch });
      advanceMs(minuteMs);
    }
    await objectOf(organizationId).renewLease({ organizationId, jobId: job.id, epoch });
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await readIssue(organizationId, waiting.issueId)).toMatchObject({
      issue: { status: "CANCELLED" },
      jobs: [{ status: "CANCELLED", error: { reason: "expired" } }],
    });
    expect(await statusOf(organizationId, running.issueId)).toBe("PROCESSING");
    await objectOf(organizationId).finish({ organizationId, jobId: job.id, epoch, outcome: triaged, artifacts: [] });
    await runJob(organizationId, 1, done);
    expect(await statusOf(organizationId, running.issueId)).toBe("COMPLETED");
    expect(jobMessages(organizationId)).toHaveLength(2);
  });

  test("while it waits for a provider fails for want of it, and gives back what it holds", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, expiring());
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    await objectOf(organizationId).fail({
      organizationId,
      jobId: job.id,
      epoch,
      failureClass: "transient",
      error: { reason: "overloaded", message: "529" },
      retryAfterMs: 20 * minuteMs,
    });
    await pass(organizationId, 10 * minuteMs);
    expect(await readIssue(organizationId, issueId)).toMatchObject({
      issue: { status: "FAILED" },
      jobs: [{ status: "FAILED", error: { reason: "provider_unavailable" } }],
    });
    await vi.waitUntil(async () => (await clients.platform().readStatus()).slotsInUse === 0);
  });

  test("before its dispatch was claimed gives its slot back, and the claim is stale", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId, expiring());
    const message = await nextJobMessage(organizationId);
    await pass(organizationId, 10 * minuteMs);
    expect(await statusOf(organizationId, issueId)).toBe("CANCELLED");
    expect(await objectOf(organizationId).claim(message)).toEqual({ kind: "stale" });
    await vi.waitUntil(async () => (await clients.platform().readStatus()).slotsInUse === 0);
  });
});

describe("issues with one concurrency key", () => {
  const keyed = { concurrencyKey: "brief-1" } as const;

  test("are worked on one after the other, each with all its jobs, while others pass them", async () => {
    const organizationId = mintOrganizationId();
    const first = await submit(organizationId, keyed);
    await nextJobMessage(organizationId);
    const second = await submit(organizationId, { ...keyed, ...named });
    expect((await readIssue(organizationId, second.issueId))?.waitingFor).toBe("concurrency_key");
    const other = await submit(organizationId, { ...named, concurrencyKey: "brief-2" });
    expect((await nextJobMessage(organizationId, 1)).jobId).toBe(other.jobId);
    await runJob(organizationId, 0, triaged);
    const work = await nextJobMessage(organizationId, 2);
    expect((await readIssue(organizationId, first.issueId))?.jobs[1]?.id).toBe(work.jobId);
    await evictAllDurableObjects();
    await runJob(organizationId, 2, done);
    expect((await nextJobMessage(organizationId, 3)).jobId).toBe(second.jobId);
  });

  test("make way when one waits for a review", async () => {
    const organizationId = mintOrganizationId();
    const first = await submit(organizationId, { ...keyed, ...named });
    await runJob(organizationId, 0, done, [codeChange()]);
    const second = await submit(organizationId, { ...keyed, ...named });
    await runJob(organizationId, 1, { role: "review", decision: "pass", summary: "Right." });
    expect(await statusOf(organizationId, first.issueId)).toBe("REVIEW");
    expect((await nextJobMessage(organizationId, 2)).jobId).toBe(second.jobId);
  });
});

describe("why an issue waits", () => {
  /** What the events imply of every issue: the last thing told, or what goes without saying since. */
  function toldLimits(events: readonly OrganizationEvent[]): ReadonlyMap<string, BlockingLimit> {
    const told = new Map<string, BlockingLimit>();
    for (const event of events) {
      if (event.type === "job.created") told.set(event.issueId, "global_concurrency");
      if (event.type === "job.dispatched") told.set(event.issueId, null);
      if (event.type !== "issue.waiting_changed") continue;
      expect(event.data.waitingFor).not.toBe(told.get(event.issueId));
      told.set(event.issueId, event.data.waitingFor);
    }
    return told;
  }

  /** Compares what was told with what is read, at a moment at which nothing happened in between. */
  async function expectToldIsTrue(organizationId: string): Promise<void> {
    const [told, read] = await vi.waitUntil(async () => {
      const events = await allEvents(organizationId);
      const limits = [...toldLimits(events)];
      const seen = await Promise.all(
        limits.map(async ([issueId]) => [issueId, (await readIssue(organizationId, issueId))?.waitingFor] as const),
      );
      return (await allEvents(organizationId)).length === events.length ? [limits, seen] : null;
    });
    expect(read).toEqual(told);
  }

  const changesOf = (events: readonly OrganizationEvent[], issueId: string) =>
    events.flatMap((event) =>
      event.type === "issue.waiting_changed" && event.issueId === issueId ? [event.data.waitingFor] : [],
    );

  test("is told when it changes and only then, and what was told is what a reader sees", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { concurrentJobs: 2 });
    const common = { ...named, terms };
    const first = await submit(organizationId, { ...common, concurrencyKey: "brief-1" });
    await nextJobMessage(organizationId);
    const behind = await submit(organizationId, { ...common, concurrencyKey: "brief-1" });
    const late = await submit(organizationId, { ...common, notBeforeMs: testClock.nowMs() + 10_000 });
    await expectToldIsTrue(organizationId);
    await submit(organizationId, common);
    await nextJobMessage(organizationId, 1);
    const full = await submit(organizationId, common);
    await expectToldIsTrue(organizationId);
    await evictAllDurableObjects();
    await runJob(organizationId, 0, done);
    await nextJobMessage(organizationId, 2);
    await expectToldIsTrue(organizationId);
    await pass(organizationId, 10_000);
    await expectToldIsTrue(organizationId);
    for (let seen = 1; seen < 5; seen += 1) {
      await runJob(organizationId, seen, done);
      await expectToldIsTrue(organizationId);
    }
    const events = await allEvents(organizationId);
    expect(changesOf(events, first.issueId)).toEqual([]);
    expect(changesOf(events, behind.issueId)[0]).toBe("concurrency_key");
    expect(changesOf(events, late.issueId)).toEqual(["not_before", "organization_concurrency", "global_concurrency"]);
    expect(changesOf(events, full.issueId)[0]).toBe("organization_concurrency");
    expect([...toldLimits(events).values()].every((limit) => limit === null)).toBe(true);
  });

  test("is told again when the limit is lowered, and when a more urgent issue comes first", async () => {
    const organizationId = mintOrganizationId();
    const filled = Array.from({ length: 5 }, mintOrganizationId);
    for (const other of filled) {
      await submit(other, named);
      await nextJobMessage(other);
    }
    const terms = termsFor(organizationId, { concurrentJobs: 1 });
    const low = await submit(organizationId, { ...named, terms, priority: "LOW" });
    await expectToldIsTrue(organizationId);
    const urgent = await submit(organizationId, { ...named, terms, priority: "CRITICAL" });
    await expectToldIsTrue(organizationId);
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId, { concurrentJobs: 2 }), version: 2 });
    await expectToldIsTrue(organizationId);
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId, { concurrentJobs: 1 }), version: 3 });
    await expectToldIsTrue(organizationId);
    const events = await allEvents(organizationId);
    expect(changesOf(events, urgent.issueId)).toEqual([]);
    expect(changesOf(events, low.issueId)).toEqual([
      "organization_concurrency",
      "global_concurrency",
      "organization_concurrency",
    ]);
  });

  test("of many issues is told of those at the head only, not of all with every slot", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { concurrentJobs: 1 });
    for (let made = 0; made < 20; made += 1) await submit(organizationId, { ...named, terms });
    for (let seen = 0; seen < 3; seen += 1) await runJob(organizationId, seen, done);
    await expectToldIsTrue(organizationId);
    const told = (await allEvents(organizationId)).filter(({ type }) => type === "issue.waiting_changed");
    expect(told.length).toBeLessThanOrEqual(20 + 3);
  });
});

describe("many issues", () => {
  /** How many jobs held a slot after each event. */
  function heldSlots(events: readonly OrganizationEvent[]): readonly number[] {
    const held = new Set<string>();
    return events.map((event) => {
      if (event.type === "job.dispatched") held.add(event.jobId ?? "");
      if (event.type === "job.status_changed" && event.data.status === "COMPLETED") held.delete(event.jobId ?? "");
      return held.size;
    });
  }

  test("200 submissions at once against a limit of three never hold more than three slots, and all are done", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { concurrentJobs: 3, issuesPerHour: 1_000, issuesPerDay: 1_000 });
    const command = submitCommand(organizationId, { ...named, terms });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async () => objectOf(organizationId).submit(command)),
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    for (let seen = 0; seen < 200;) {
      await nextJobMessage(organizationId, seen);
      expect((await clients.platform().readStatus()).slotsInUse).toBeLessThanOrEqual(3);
      const sent = jobMessages(organizationId).length;
      await Promise.all(
        Array.from({ length: sent - seen }, async (_unused, index) => runJob(organizationId, seen + index, done)),
      );
      seen = sent;
    }
    const held = heldSlots(await allEvents(organizationId));
    expect(Math.max(...held)).toBe(3);
    expect(held.at(-1)).toBe(0);
    expect(jobMessages(organizationId)).toHaveLength(200);
  }, 60_000);
});

describe("a storage of the first version", () => {
  test("is brought up to date with what it holds", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    await runInDurableObject(stubOf(organizationId), async (_object, { storage }) => {
      const issue = storage.sql.exec<{ record: string }>("SELECT record FROM issues").one().record;
      await storage.deleteAll();
      migrateSchema(storage, organizationMigrations.slice(0, 1));
      const at = dayMs * 20_000;
      for (const [id, atMs] of [
        ["iss_1", at - 2],
        ["iss_2", at],
        ["iss_3", at + 5],
      ] as const) {
        storage.sql.exec(
          `INSERT INTO issues (id, created_at_ms, status, type, priority, last_seq, record)
           VALUES (?, ?, 'QUEUED', 'BUG', 'LOW', 0, json_remove(?, '$.notBeforeMs', '$.expiresAtMs', '$.concurrencyKey'))`,
          id,
          atMs,
          issue,
        );
      }
      storage.sql.exec(
        `INSERT INTO jobs (id, issue_id, status, priority, created_at_ms, queue_key, ready_at_ms, state)
         VALUES ('job_1', 'iss_1', 'PENDING', 5, 0, 0, 0, '{}'), ('job_2', 'iss_2', 'COMPLETED', 5, 0, 0, 0, '{}')`,
      );
      migrateSchema(storage, organizationMigrations);
      expect(storage.sql.exec("SELECT * FROM submissions ORDER BY ordinal").toArray()).toEqual([
        { ordinal: 1, at_ms: at - 2, number_of_day: 1 },
        { ordinal: 2, at_ms: at, number_of_day: 1 },
        { ordinal: 3, at_ms: at + 5, number_of_day: 2 },
      ]);
      expect(storage.sql.exec("SELECT waiting FROM backlog").one()).toEqual({ waiting: 1 });
      const record = storage.sql.exec<{ record: string }>("SELECT record FROM issues LIMIT 1").one().record;
      expect(JSON.parse(record)).toMatchObject({
        id: issueId,
        notBeforeMs: null,
        expiresAtMs: null,
        concurrencyKey: null,
      });
    });
  });
});
