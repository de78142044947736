import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ArchivedIssue } from "../../src/contracts/organization-rpc.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { migrateSchema } from "../../src/durable-objects/schema-version.ts";
import {
  allEvents,
  bringToReview,
  checkpointOf,
  claim,
  everything,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  promptOver,
  runJob,
  submit,
  triaged,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

/** What the first version had that this test fills. */
const firstTables = ["events", "issues", "jobs", "deadlines"];
const dayMs = 24 * 60 * 60 * 1_000;
const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const reviewer = { decidedBy: "ada", actingAs: ["organization", "platform"] as const, deciderIds: [], note: null };

/** Postgres takes everything up to the last event. */
async function project(organizationId: string): Promise<number> {
  const organization = objectOf(organizationId);
  const { incarnation, lastSeq } = await organization.readEvents({ organizationId, after: null, limit: 1 });
  await organization.confirmProjected({ organizationId, incarnation, seq: lastSeq });
  return lastSeq;
}

async function numbersKept(organizationId: string): Promise<readonly number[]> {
  return (await allEvents(organizationId)).map(({ seq }) => seq);
}

/** Runs the alarm until nothing is due any more. */
async function runAlarms(organizationId: string): Promise<void> {
  const stub = stubOf(organizationId);
  for (let runs = 0; runs < 200; runs += 1) {
    const isDue = await runInDurableObject(stub, async (_object, { storage }) => {
      const { due } = storage.sql.exec<{ due: number | null }>("SELECT MIN(due_at_ms) AS due FROM deadlines").one();
      return due !== null && due <= testClock.nowMs() && (await storage.getAlarm()) !== undefined;
    });
    if (!isDue) return;
    await runDurableObjectAlarm(stub);
  }
  throw new Error("the alarms do not end");
}

/** An issue that was worked on with everything that an issue can leave behind, and is finished. */
async function finishedIssue(organizationId: string) {
  const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
  const decided = await objectOf(organizationId).decideReview({
    organizationId,
    reviewId,
    contentHash,
    decision: "reject",
    ...reviewer,
  });
  expect(decided).toMatchObject({ ok: true });
  return { issueId, reviewId, contentHash };
}

/** A finished issue with a transcript, steps, logs and a workspace. */
async function workedIssue(organizationId: string, seen = 0): Promise<string> {
  const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
  const work = await claim(await nextJobMessage(organizationId, seen));
  const ref = { organizationId, jobId: work.job.id, epoch: work.epoch };
  const prompt = promptOver({ baseCommit: "c0ffee", baseBranch: "main" });
  await objectOf(organizationId).beginAttempt({ ...ref, attempt: 1, prompt, firstMessage: "first" });
  await objectOf(organizationId).checkpoint(
    checkpointOf(work, {
      steps: [modelStep(work, 1)],
      appendedMessages: ["second"],
      workspace: [{ path: "a.ts", content: "a" }],
      logs: [{ level: "INFO", message: "noted", data: null }],
    }),
  );
  const outcome = { role: "work", summary: "Done." } as const;
  await objectOf(organizationId).finish({ ...ref, outcome, artifacts: [] });
  return issueId;
}

/** The tables, and the columns in them, that hold one of these texts. */
function placesOf(sql: SqlStorage, texts: readonly string[]): readonly string[] {
  const tables = sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
    .toArray();
  return tables.flatMap(({ name }) => {
    const rows = sql.exec(`SELECT * FROM "${name}"`).toArray();
    return rows.flatMap((row) =>
      Object.entries(row)
        .filter(([, value]) => texts.some((text) => typeof value === "string" && value.includes(text)))
        .map(([column]) => `${name}.${column}`),
    );
  });
}

async function archivedOf(organizationId: string, issueId: string): Promise<ArchivedIssue> {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (detail === null) throw new Error("the issue is not here");
  const { issue, jobs, stepCount, reviews, effects, feedback, questions, messages } = detail;
  return { issue, jobs, stepCount, reviews, effects, feedback, questions, messages };
}

describe("an event that was projected", () => {
  test("is kept for seven days, and its number is never given again", async () => {
    const organizationId = mintOrganizationId();
    await workedIssue(organizationId);
    const last = await project(organizationId);
    advanceMs(7 * dayMs - 60 * 60 * 1_000);
    await runAlarms(organizationId);
    expect(await numbersKept(organizationId)).toHaveLength(last);
    advanceMs(2 * 60 * 60 * 1_000);
    await runAlarms(organizationId);
    expect(await numbersKept(organizationId)).toEqual([]);
    await evictDurableObject(stubOf(organizationId));
    await submit(organizationId);
    expect((await numbersKept(organizationId))[0]).toBe(last + 1);
  });

  test("goes, but one that Postgres does not hold stays, however old", async () => {
    const organizationId = mintOrganizationId();
    await workedIssue(organizationId);
    const last = await project(organizationId);
    const { issueId } = await submit(organizationId);
    advanceMs(30 * dayMs);
    await runAlarms(organizationId);
    const kept = await allEvents(organizationId);
    expect(kept[0]).toMatchObject({ seq: last + 1, type: "issue.submitted", issueId });
  });

  test("goes with thousands of others in bounded batches", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const logs = Array.from({ length: 2_500 }, () => ({ level: "INFO" as const, message: "line", data: null }));
    await objectOf(organizationId).checkpoint(checkpointOf(work, { logs }));
    const last = await project(organizationId);
    advanceMs(8 * dayMs);
    const deletedAtOnce: number[] = [];
    for (let kept = last; kept > 0;) {
      await runDurableObjectAlarm(stubOf(organizationId));
      const left = (await numbersKept(organizationId)).filter((seq) => seq <= last).length;
      if (left < kept) deletedAtOnce.push(kept - left);
      kept = left;
    }
    expect(deletedAtOnce.length).toBeGreaterThan(2);
    expect(Math.max(...deletedAtOnce)).toBeLessThanOrEqual(1_000);
  });
});

describe("a finished issue", () => {
  test("leaves with everything that belongs to it, and reads as null then", async () => {
    const organizationId = mintOrganizationId();
    const reviewed = await finishedIssue(organizationId);
    await project(organizationId);
    const worked = await workedIssue(organizationId, 3);
    const open = await submit(organizationId);
    const details = await Promise.all([worked, reviewed.issueId].map((id) => archivedOf(organizationId, id)));
    const jobIds = details.flatMap(({ jobs }) => jobs.map(({ id }) => id));
    await project(organizationId);
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);

    const organization = objectOf(organizationId);
    for (const issueId of [worked, reviewed.issueId]) {
      const ref = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
      expect(await organization.readIssue(ref)).toBeNull();
      expect(await organization.listSteps(ref)).toBeNull();
      expect(await organization.listLogs(ref)).toBeNull();
      expect(await organization.listArtifacts(ref)).toBeNull();
    }
    expect(await organization.readReview({ organizationId, reviewId: reviewed.reviewId })).toBeNull();
    const places = await runInDurableObject(stubOf(organizationId), (_object, { storage }) =>
      placesOf(storage.sql, [worked, reviewed.issueId, ...jobIds]),
    );
    // Who decided what is remembered for its own sake.
    expect(places).toEqual(["decisions.entry"]);
    const left = await organization.readIssue({ organizationId, issueId: open.issueId, visibility: everything });
    expect(left?.issue.status).toBe("QUEUED");
  });

  test("is the last thing that an alarm is set for", async () => {
    const organizationId = mintOrganizationId();
    await workedIssue(organizationId);
    await project(organizationId);
    const alarm = () => runInDurableObject(stubOf(organizationId), (_object, { storage }) => storage.getAlarm());
    // The slot is given back and acknowledged first.
    await vi.waitUntil(async () => {
      const names = await runInDurableObject(stubOf(organizationId), (_object, { storage }) =>
        storage.sql.exec<{ name: string }>("SELECT name FROM deadlines").toArray(),
      );
      return names.every(({ name }) => name === "prune");
    });
    expect(await alarm()).not.toBeNull();
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);
    await vi.waitUntil(async () => (await alarm()) === null);
    const deadlines = await runInDurableObject(stubOf(organizationId), (_object, { storage }) =>
      storage.sql.exec("SELECT * FROM deadlines").toArray(),
    );
    expect(deadlines).toEqual([]);
  });

  test("stays while its review is open", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await bringToReview(organizationId);
    await project(organizationId);
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);
    const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
    expect(detail?.issue.status).toBe("REVIEW");
    expect(detail?.reviews).toHaveLength(1);
  });
});

describe("a command on an issue that has left", () => {
  test("finds the opinions that Postgres kept, and one of a person replaces his own", async () => {
    const organizationId = mintOrganizationId();
    const issueId = await workedIssue(organizationId);
    const said = { organizationId, issueId, visibility: everything, givenBy: "user_1", tags: ["slow"], comment: null };
    const first = { ...said, person: "user:1", rating: 2, outcome: "NOT_SOLVED" } as const;
    const organization = objectOf(organizationId);
    expect(await organization.giveFeedback(first)).toMatchObject({ ok: true, value: { rating: 2 } });
    expect(await organization.giveFeedback({ ...first, person: "user:2", rating: 5 })).toMatchObject({ ok: true });
    // The same again is no news.
    await organization.giveFeedback(first);
    const given = (await allEvents(organizationId)).filter(({ type }) => type === "feedback.given");
    expect(given).toHaveLength(2);
    const archived = await archivedOf(organizationId, issueId);
    expect(archived.feedback.map(({ person, rating }) => [person, rating])).toEqual([
      ["user:1", 2],
      ["user:2", 5],
    ]);
    await project(organizationId);
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);
    expect(await organization.giveFeedback(first)).toMatchObject({ ok: false, failure: { code: "not_found" } });
    const changed = await organization.giveFeedback({ ...first, rating: 4, archived });
    expect(changed).toMatchObject({ ok: true, value: { rating: 4 } });
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail?.feedback.map(({ rating }) => rating)).toEqual([4, 5]);
    const own = { kind: "own", userIds: ["user_9"] } as const;
    expect(await organization.giveFeedback({ ...first, visibility: own })).toMatchObject({ ok: false });
  });

  test("finds nothing, and with the issue from Postgres finds what it would have found", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, reviewId, contentHash } = await finishedIssue(organizationId);
    const archived = await archivedOf(organizationId, issueId);
    await project(organizationId);
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);

    const organization = objectOf(organizationId);
    const reject = { organizationId, reviewId, contentHash, decision: "reject", ...reviewer } as const;
    expect(await organization.decideReview(reject)).toMatchObject({ ok: false, failure: { code: "not_found" } });
    expect(await organization.decideReview({ ...reject, archived })).toMatchObject({
      ok: true,
      value: { id: reviewId, status: "REJECTED", decidedBy: "ada" },
    });
    const approve = { ...reject, decision: "approve" } as const;
    expect(await organization.decideReview(approve)).toMatchObject({ ok: false, failure: { code: "conflict" } });

    const ref = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
    expect(await archivedOf(organizationId, issueId)).toEqual(archived);
    expect(await organization.listSteps(ref)).toBeNull();
    expect(await organization.readReview({ organizationId, reviewId })).toBeNull();

    advanceMs(dayMs);
    await runAlarms(organizationId);
    expect(await organization.readIssue(ref)).toBeNull();
  });

  test("is carried out as ever: what is done again begins anew, and its numbers go on", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const work = await claim(await nextJobMessage(organizationId));
    const error = { reason: "refused", message: "It will not." };
    const ref = { organizationId, jobId: work.job.id, epoch: work.epoch };
    await organization.fail({ ...ref, failureClass: "final", error, retryAfterMs: null });
    const archived = await archivedOf(organizationId, issueId);
    expect(archived.issue.status).toBe("FAILED");
    const last = await project(organizationId);
    advanceMs(8 * dayMs);
    await runAlarms(organizationId);
    const retry = {
      organizationId,
      issueId,
      visibility: everything,
      authority: everything,
      command: "retry",
      actor: "ada",
      reason: null,
    } as const;
    expect(await organization.commandIssue(retry)).toMatchObject({ ok: false, failure: { code: "not_found" } });
    const retried = await organization.commandIssue({ ...retry, archived });
    expect(retried).toMatchObject({
      ok: true,
      value: { issue: { status: "QUEUED" }, jobs: [{ id: work.job.id }, { retryOf: work.job.id, status: "PENDING" }] },
    });
    expect((await numbersKept(organizationId))[0]).toBe(last + 1);
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({ issue: { id: issueId }, workspace: [] });
    expect(again.attempt).toMatchObject({ number: 1, prompt: null, messages: [], stepCount: 0 });
  });

  test("does not overwrite what is here", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
    const stale = await archivedOf(organizationId, issueId);
    const archived = { ...stale, issue: { ...stale.issue, title: "An older title" } };
    const reject = { organizationId, reviewId, contentHash, decision: "reject", ...reviewer } as const;
    expect(await objectOf(organizationId).decideReview({ ...reject, archived })).toMatchObject({ ok: true });
    expect((await archivedOf(organizationId, issueId)).issue).toMatchObject({
      title: stale.issue.title,
      status: "CANCELLED",
    });
  });
});

describe("a storage of an earlier version", () => {
  test("is migrated with its rows, and still answers", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    await runJob(organizationId, 0, triaged);
    await nextJobMessage(organizationId, 1);
    const before = await archivedOf(organizationId, issueId);
    const events = await allEvents(organizationId);
    const stub = stubOf(organizationId);
    await runInDurableObject(stub, (_object, { storage }) => {
      const rows = firstTables.map((table) => ({ table, rows: storage.sql.exec(`SELECT * FROM ${table}`).toArray() }));
      const incarnation = storage.kv.get<string>("incarnation");
      for (const { name } of storage.sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name <> 'sqlite_sequence'",
        )
        .toArray()) {
        storage.sql.exec(`DROP TABLE "${name}"`);
      }
      storage.kv.put("schemaVersion", 0);
      migrateSchema(storage, organizationMigrations.slice(0, 1));
      storage.kv.put("incarnation", incarnation);
      for (const { table, rows: old } of rows) {
        const columns = storage.sql.exec<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).toArray();
        const names = columns.map(({ name }) => name);
        for (const row of old) {
          storage.sql.exec(
            `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
            ...names.map((name) => row[name] ?? null),
          );
        }
      }
    });
    await evictDurableObject(stub);
    expect(await archivedOf(organizationId, issueId)).toEqual(before);
    expect(await allEvents(organizationId)).toEqual(events);
    const version = await runInDurableObject(stub, (_object, { storage }) => storage.kv.get("schemaVersion"));
    expect(version).toBe(organizationMigrations.length);
    const { issueId: later } = await submit(organizationId);
    expect((await allEvents(organizationId)).at(-1)?.issueId).toBe(later);
    expect((await numbersKept(organizationId)).at(0)).toBe(1);
  });
});
