import { describe, expect, it } from "vitest";
import type { EventSource } from "../../src/contracts/ports.ts";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows, wholePart } from "../support/database-fixture.ts";

const projection = createProjection(settingsOf("agents_app"));
const reader = createIssueReader(settingsOf("agents_app"));
const everyone = { kind: "all" } as const;

/** A log that tells a whole run, and what must be remembered of it. */
async function wholeRun() {
  const { id: organizationId, users } = await newOrganization();
  const log = new EventLogFixture(organizationId);
  const issue = log.submit({ createdById: users.STAFF.id });
  const job = log.createJob(issue);
  const about = { issueId: issue.id, jobId: job.id };
  log.append({ type: "job.dispatched", ...about, data: { dispatchId: "dsp", slotNumber: 1 } });
  log.append({
    type: "job.attempt_started",
    ...about,
    data: { attempt: 1, modelId: "claude-sonnet-5-5", baseCommit: null },
  });
  log.append({
    type: "job.model_changed",
    ...about,
    data: { model: "opus", modelReason: "one model up", maxAttempts: 4 },
  });
  const steps = [
    log.recordStep(job, 1),
    log.recordStep(job, 2, {
      kind: "tool",
      name: "read_file",
      policy: "allowed",
      usage: null,
      reservedMicroUsd: null,
      stopReason: null,
    }),
  ];
  const written = log.writeLog(job, { data: { file: "briefs.ts" } });
  const artifact = log.createArtifact(job);
  const review = log.openReview(artifact);
  const effect = log.createEffect(artifact);
  const question = log.askQuestion(job);
  const message = log.sendMessage(job);
  const completed = log.append({
    type: "job.status_changed",
    ...about,
    data: {
      from: "RUNNING",
      status: "COMPLETED",
      attempts: 1,
      startedAtMs: issue.createdAtMs,
      completedAtMs: issue.createdAtMs + 5,
      error: null,
      result: { summary: "done" },
    },
  });
  const triage = {
    type: "BUG",
    priority: "HIGH",
    module: "briefs",
    complexity: 4,
    agent: "briefs.status-workflow",
    confidence: 0.9,
    reason: "status",
    estimate: { costMicroUsd: 1, durationSeconds: 2 },
  } as const;
  log.append({ type: "issue.triaged", issueId: issue.id, data: { triage, byRules: false } });
  const last = log.append({
    type: "issue.status_changed",
    issueId: issue.id,
    data: { from: "QUEUED", status: "REVIEW" },
  });
  return {
    organizationId,
    log,
    steps,
    written,
    artifact,
    detail: {
      issue: { ...issue, status: "REVIEW", triage, costMicroUsd: 1_000, updatedAtMs: last.atMs },
      jobs: [
        {
          ...job,
          status: "COMPLETED",
          model: "opus",
          modelReason: "one model up",
          attempts: 1,
          maxAttempts: 4,
          startedAtMs: issue.createdAtMs,
          completedAtMs: issue.createdAtMs + 5,
          result: { summary: "done" },
          costMicroUsd: 1_000,
          updatedAtMs: completed.atMs,
        },
      ],
      stepCount: 2,
      reviews: [review],
      effects: [effect],
      questions: [question],
      messages: [message],
      feedback: [],
      waitingFor: null,
      reservedMicroUsd: 0,
      waitingReason: null,
    },
  };
}

async function parkedEvents(organizationId: string) {
  return superuserRows<{ seq: number; type: string; reason: string; event: string }>(
    `SELECT seq::int AS seq, type, reason, event FROM agents."AgentParkedEvent" WHERE "organizationId" = $1 ORDER BY seq`,
    [organizationId],
  );
}

async function titlesOf(organizationId: string): Promise<readonly string[]> {
  const rows = await superuserRows<{ title: string }>(
    `SELECT title FROM agents."AgentIssue" WHERE "organizationId" = $1 ORDER BY title`,
    [organizationId],
  );
  return rows.map((row) => row.title);
}

describe("the projection", () => {
  it("remembers every record as the log tells it", async () => {
    const { organizationId, log, detail, steps, written, artifact } = await wholeRun();
    const cursor = await projection.project(organizationId, log);

    expect(cursor).toEqual({ incarnation: log.incarnation, seq: log.lastSeq });
    const { id } = detail.issue;
    expect(await reader.read(organizationId, id, everyone)).toEqual(detail);
    expect(await reader.listSteps(wholePart(organizationId, id))).toEqual({ items: steps, more: false });
    expect(await reader.listLogs(wholePart(organizationId, id))).toEqual({ items: [written], more: false });
    const view = { artifact, content: "One change to the status workflow.", diffPatch: "--- a\n+++ b\n" };
    expect(await reader.listArtifacts(wholePart(organizationId, id))).toEqual({ items: [view], more: false });
    expect(await reader.readArtifact(organizationId, artifact.id)).toEqual(view);
  });

  it("remembers one opinion a person, the last, and forgets nobody's", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const issue = log.submit();
    const said = {
      issueId: issue.id,
      givenBy: "user_1",
      rating: 2,
      outcome: "NOT_SOLVED",
      tags: ["slow", "wrong"],
    } as const;
    const first = {
      ...said,
      person: "user:1",
      comment: "No.",
      createdAtMs: issue.createdAtMs,
      updatedAtMs: issue.createdAtMs,
    };
    const other = { ...first, person: "user:2", rating: 5, outcome: "SOLVED", tags: [], comment: null };
    const changed = { ...first, rating: 4, outcome: "PARTLY_SOLVED", updatedAtMs: issue.createdAtMs + 9 };
    for (const feedback of [first, other, changed]) {
      log.append({ type: "feedback.given", issueId: issue.id, data: { feedback } });
    }
    await projection.project(organizationId, log);
    expect(await reader.read(organizationId, issue.id, everyone)).toMatchObject({ feedback: [changed, other] });
  });

  it("goes on after the last event it has seen", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    log.submit({ title: "first" });
    await projection.project(organizationId, log);
    log.submit({ title: "second" });
    await projection.project(organizationId, log);
    await projection.project(organizationId, log);

    expect(await titlesOf(organizationId)).toEqual(["first", "second"]);
    expect(log.asked.map(({ after }) => after?.seq ?? null)).toEqual([null, 1, 2]);
  });

  it("takes a long log in pages", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const job = log.createJob(log.submit());
    for (let number = 1; number <= 120; number += 1) log.writeLog(job, { message: `line ${number}` });

    const cursor = await projection.project(organizationId, log);
    expect(cursor.seq).toBe(122);
    expect(log.asked.map(({ after }) => after?.seq ?? null)).toEqual([null, 100]);
    expect((await reader.listLogs(wholePart(organizationId, job.issueId)))?.items).toHaveLength(120);
  });

  it("applies each event once when several consumers run at the same time", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const issue = log.submit({ title: "only" });
    log.append({ type: "issue.status_changed", issueId: issue.id, data: { from: "QUEUED", status: "PROCESSING" } });

    const cursors = await Promise.all([1, 2, 3, 4].map(async () => projection.project(organizationId, log)));
    expect(new Set(cursors.map(({ seq }) => seq))).toEqual(new Set([2]));
    expect(log.asked.map(({ after }) => after?.seq ?? 0)).toEqual([0, 2, 2, 2]);
    expect(await reader.read(organizationId, issue.id, everyone)).toMatchObject({ issue: { status: "PROCESSING" } });
  });

  it("begins anew with a new incarnation and keeps what the old one told", async () => {
    const { id: organizationId } = await newOrganization();
    const before = new EventLogFixture(organizationId);
    before.submit({ title: "before" });
    before.submit({ title: "between" });
    await projection.project(organizationId, before);

    const after = new EventLogFixture(organizationId);
    after.submit({ title: "later" });
    const cursor = await projection.project(organizationId, after);
    expect(cursor).toEqual({ incarnation: after.incarnation, seq: 1 });
    expect(await titlesOf(organizationId)).toEqual(["before", "between", "later"]);
  });

  it("rolls a page back when the source fails in the middle, and throws what the source threw", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    log.createArtifact(log.createJob(log.submit({ title: "whole or not" })));
    const broken: EventSource = {
      events: async (after, limit) => log.events(after, limit),
      bodies: () => Promise.reject(new Error("the object was reset")),
    };

    await expect(projection.project(organizationId, broken)).rejects.toThrow("the object was reset");
    expect(await titlesOf(organizationId)).toEqual([]);
    await projection.project(organizationId, log);
    expect(await titlesOf(organizationId)).toEqual(["whole or not"]);
  });

  it("refuses a page that skips an event", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    log.submit();
    log.submit();
    const gapped: EventSource = {
      events: async (after, limit) => {
        const page = await log.events(after, limit);
        return { ...page, events: page.events.slice(1) };
      },
      bodies: async (bodyIds) => log.bodies(bodyIds),
    };
    await expect(projection.project(organizationId, gapped)).rejects.toThrow("event 1 is missing");
    expect(await titlesOf(organizationId)).toEqual([]);
  });

  it("says so when the ERP has no such organization", async () => {
    const log = new EventLogFixture("nowhere");
    log.submit();
    await expect(projection.project("nowhere", log)).rejects.toMatchObject({ failure: { code: "not_found" } });
  });
});

describe("the creator of an issue", () => {
  it("is the user, by id or by token subject, and null once the ERP has no such user", async () => {
    const { id: organizationId, users } = await newOrganization();
    const stranger = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const issues = [users.STAFF.id, users.ADMIN.supabaseId, "gone", stranger.users.STAFF.id].map((createdById) =>
      log.submit({ createdById }),
    );
    await projection.project(organizationId, log);

    const creators = await Promise.all(
      issues.map(async ({ id }) => (await reader.read(organizationId, id, everyone))?.issue.createdById),
    );
    expect(creators).toEqual([users.STAFF.id, users.ADMIN.id, null, null]);
  });

  it("becomes null when the ERP deletes the user, and the organization takes everything with it", async () => {
    const { id: organizationId, users } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const issue = log.submit({ createdById: users.FREELANCER.id });
    log.createArtifact(log.createJob(issue));
    await projection.project(organizationId, log);

    await superuserRows(`DELETE FROM public.users WHERE id = $1`, [users.FREELANCER.id]);
    expect(await reader.read(organizationId, issue.id, everyone)).toMatchObject({ issue: { createdById: null } });

    for (const table of ["time_entries", "briefs", "projects", "clients"]) {
      await superuserRows(`DELETE FROM public.${table} WHERE "organizationId" = $1`, [organizationId]);
    }
    await superuserRows(`DELETE FROM public.organizations WHERE id = $1`, [organizationId]);
    expect(await titlesOf(organizationId)).toEqual([]);
  });
});

describe("an event that Postgres refuses", () => {
  it("is parked with its reason, and the rest goes on in order", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    log.submit({ title: "before" });
    const poisoned = log.append({
      type: "issue.status_changed",
      issueId: "iss_unknown",
      data: { from: "QUEUED", status: "PROCESSING" },
    });
    log.submit({ title: "between" });
    log.submit({ title: "unstorable", context: { "\0": "a key that jsonb cannot hold" } });
    log.submit({ title: "after" });

    const cursor = await projection.project(organizationId, log);
    expect(cursor.seq).toBe(5);
    expect(await titlesOf(organizationId)).toEqual(["after", "before", "between"]);
    const parked = await parkedEvents(organizationId);
    expect(parked.map(({ seq, type }) => ({ seq, type }))).toEqual([
      { seq: 2, type: "issue.status_changed" },
      { seq: 4, type: "issue.submitted" },
    ]);
    expect(parked[0]?.reason).toContain("P2025");
    expect(parked[1]?.reason).toContain("22P05");
    expect(JSON.parse(parked[0]?.event ?? "")).toEqual(poisoned);
    // Refused in the first page and twice alone, then parked.
    expect(log.asked.filter(({ after }) => after?.seq === 1)).toHaveLength(3);

    await projection.project(organizationId, log);
    expect(await parkedEvents(organizationId)).toHaveLength(2);
  });

  it("never is one of NUL or half a surrogate pair, for which a replacement is stored", async () => {
    const { id: organizationId } = await newOrganization();
    const log = new EventLogFixture(organizationId);
    const job = log.createJob(log.submit({ title: "nul \0 here", context: { half: "\ud83d" } }));
    log.recordStep(job, 1, { output: "binary \0\0" });
    await projection.project(organizationId, log);

    expect(await titlesOf(organizationId)).toEqual(["nul \u{fffd} here"]);
    const steps = await reader.listSteps(wholePart(organizationId, job.issueId));
    const step = steps?.items[0];
    expect(step?.output).toBe("binary \u{fffd}\u{fffd}");
    expect(await parkedEvents(organizationId)).toEqual([]);
  });
});
