/** Commands on issues in the object: what they end, what they leave, and what a slice may still say afterwards. */
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Assignment, IssueCommand } from "../../src/contracts/organization-rpc.ts";
import { effectMessageSchema } from "../../src/contracts/queue-messages.ts";
import { poisonousLosses } from "../../src/durable-objects/organization/retry.ts";
import { createOrganizationParts } from "../../src/durable-objects/organization/organization-parts.ts";
import { systemPorts } from "../../src/durable-objects/object-ports.ts";
import { parseSchedulingSettings } from "../../src/env.ts";
import { OrganizationObject } from "./objects-worker.ts";
import {
  allEvents,
  asking,
  bringToReview,
  changedFiles,
  checkpointOf,
  claim,
  clients,
  codeChange,
  everything,
  expectNoGaps,
  jobMessages,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  promptOver,
  runJob,
  saying,
  type SubmissionChanges,
  submit,
  termsFor,
  triaged,
} from "./organization-driver.ts";
import { receivedMessages } from "./received-messages.ts";
import { advanceMs, testClock } from "./test-clock.ts";

// The platform's slots are shared, so what a test leaves running must not keep the next one waiting.
afterEach(reset);

const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const accepted = { accepted: true };
const refused = { accepted: false };
const anyTime: unknown = expect.any(Number);

async function command(
  organizationId: string,
  issueId: string,
  name: IssueCommand["command"],
  changes: Partial<IssueCommand> = {},
) {
  return objectOf(organizationId).commandIssue({
    organizationId,
    issueId,
    visibility: everything,
    authority: everything,
    command: name,
    actor: "ada",
    reason: null,
    ...changes,
  });
}

async function read(organizationId: string, issueId: string) {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (detail === null) throw new Error("the issue is gone");
  return detail;
}

function sliceOf({ issue, job, epoch }: Assignment) {
  return { organizationId: issue.organizationId, jobId: job.id, epoch };
}

async function eventTypes(organizationId: string): Promise<readonly string[]> {
  return (await allEvents(organizationId)).map(({ type }) => type);
}

/** Submits an issue for a named agent and claims its work. */
async function startWork(organizationId: string) {
  const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
  const work = await claim(await nextJobMessage(organizationId));
  return { issueId, work, slice: sliceOf(work) };
}

/** The object's memory is lost, and what was in it wrong. */
async function forget(organizationId: string): Promise<void> {
  await runInDurableObject(stubOf(organizationId), (object) => {
    if (!(object instanceof OrganizationObject)) throw new Error("not an organization's object");
    Object.defineProperty(object, "commandIssue", { value: () => Promise.reject(new Error("poisoned memory")) });
  });
  await evictDurableObject(stubOf(organizationId));
}

async function alarmAtMs(organizationId: string): Promise<number | null> {
  return runInDurableObject(stubOf(organizationId), (_object, state) => state.storage.getAlarm());
}

async function deadlinesOf(organizationId: string, kind: string): Promise<readonly unknown[]> {
  return runInDurableObject(stubOf(organizationId), (_object, state) =>
    state.storage.sql.exec("SELECT name FROM deadlines WHERE name LIKE ?", `${kind}:%`).toArray(),
  );
}

async function heldSlots(organizationId: string): Promise<number> {
  return runInDurableObject(stubOf(organizationId), (_object, state) =>
    Number(state.storage.sql.exec("SELECT COUNT(*) AS n FROM jobs WHERE slot_id IS NOT NULL").one()["n"]),
  );
}

async function effectMessage(organizationId: string, seen = 0) {
  return vi.waitUntil(() =>
    receivedMessages()
      .filter(({ queue }) => queue === "agent-effects")
      .map(({ body }) => effectMessageSchema.parse(body))
      .filter((message) => message.organizationId === organizationId)
      .at(seen),
  );
}

async function approve(organizationId: string) {
  const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
  const decision = {
    organizationId,
    reviewId,
    decision: "approve",
    contentHash,
    note: null,
    decidedBy: "ada",
  } as const;
  await objectOf(organizationId).decideReview({ ...decision, actingAs: ["organization", "platform"], deciderIds: [] });
  const { effectId } = await effectMessage(organizationId);
  return { issueId, effectId };
}

describe("cancel", () => {
  test("ends a waiting issue, frees its slot, and makes its message stale", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const message = await nextJobMessage(organizationId);
    const outcome = await command(organizationId, issueId, "cancel", { reason: "a duplicate" });
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        issue: { status: "CANCELLED" },
        jobs: [{ status: "CANCELLED", error: { reason: "cancelled", message: "a duplicate" } }],
      },
    });
    expect(await objectOf(organizationId).claim(message)).toEqual({ kind: "stale" });
    const told = (await allEvents(organizationId)).filter(({ type }) => type === "issue.commanded");
    expect(told).toMatchObject([{ data: { command: "cancel", actor: "ada", reason: "a duplicate" } }]);
    await submit(organizationId);
    await vi.waitUntil(() => jobMessages(organizationId).length === 2);
  });

  test("reaches the waiting control call of a running slice at once, and nothing of it is accepted any more", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await startWork(organizationId);
    const organization = objectOf(organizationId);
    const signal = organization.control({ ...slice, known: "none" });
    await command(organizationId, issueId, "cancel");
    expect(await signal).toEqual({ kind: "cancel" });
    const lastSeq = (await allEvents(organizationId)).length;

    expect(await organization.checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)] }))).toEqual(refused);
    const outcome = { role: "work", summary: "Too late." } as const;
    expect(await organization.finish({ ...slice, outcome, artifacts: [codeChange()] })).toEqual(refused);
    expect(await organization.yieldSlice(slice)).toEqual(refused);
    expect(await organization.renewLease(slice)).toEqual(refused);
    const error = { reason: "x", message: "x" };
    expect(await organization.fail({ ...slice, failureClass: "permanent", error, retryAfterMs: null })).toEqual(
      refused,
    );
    const begin = { attempt: 1, prompt: promptOver({ baseCommit: null, baseBranch: null }), firstMessage: "first" };
    expect(await organization.beginAttempt({ ...slice, ...begin })).toEqual(refused);
    expect(await organization.control({ ...slice, known: "none" })).toEqual({ kind: "cancel" });
    expect(await allEvents(organizationId)).toHaveLength(lastSeq);
  });

  test("takes one settlement of the aborted call, from its epoch, within fifteen seconds", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, slice } = await startWork(organizationId);
    await command(organizationId, issueId, "cancel");
    const settlement = { ...slice, stepNumber: 1, usage: null };
    expect(await organization.settle({ ...settlement, epoch: slice.epoch - 1 })).toEqual(refused);
    expect(await organization.settle(settlement)).toEqual(accepted);
    expect(await organization.settle(settlement)).toEqual(refused);

    const late = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const second = sliceOf(await claim(await nextJobMessage(organizationId, 1)));
    await command(organizationId, late.issueId, "cancel");
    advanceMs(15_001);
    expect(await organization.settle({ ...second, stepNumber: 1, usage: null })).toEqual(refused);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await organization.settle({ ...second, stepNumber: 1, usage: null })).toEqual(refused);
  });

  test("said twice is once, and of an issue that has ended a conflict", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startWork(organizationId);
    const first = await command(organizationId, issueId, "cancel");
    const events = await allEvents(organizationId);
    expect(await command(organizationId, issueId, "cancel")).toEqual(first);
    expect(await allEvents(organizationId)).toEqual(events);

    const done = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    await runJob(organizationId, 1, { role: "work", summary: "Nothing to do." });
    for (const name of ["cancel", "pause", "resume", "retry"] as const) {
      expect(await command(organizationId, done.issueId, name)).toMatchObject({
        ok: false,
        failure: { code: "conflict" },
      });
    }
  });

  test("closes an open review undecided, for good", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
    const outcome = await command(organizationId, issueId, "cancel");
    expect(outcome).toMatchObject({
      ok: true,
      value: { issue: { status: "CANCELLED" }, reviews: [{ status: "CANCELLED", decidedBy: "ada" }] },
    });
    const decision = {
      organizationId,
      reviewId,
      decision: "approve",
      contentHash,
      note: null,
      decidedBy: "bob",
    } as const;
    const decided = await objectOf(organizationId).decideReview({
      ...decision,
      actingAs: ["organization", "platform"],
      deciderIds: [],
    });
    expect(decided).toMatchObject({ ok: false, failure: { code: "conflict" } });
    expect(await command(organizationId, issueId, "retry")).toMatchObject({ failure: { code: "conflict" } });
  });

  test("ends an approved change that nobody has begun, which a retry then takes up", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, effectId } = await approve(organizationId);
    await command(organizationId, issueId, "cancel");
    expect(await objectOf(organizationId).claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "CANCELLED" },
      effects: [{ status: "CANCELLED" }],
    });
    await command(organizationId, issueId, "retry");
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "PROCESSING" },
      effects: [{ status: "CANCELLED" }, { status: "PENDING", redriveOf: effectId }],
    });
  });

  test("is a conflict once a change may have reached the outside, and the change is finished and recorded", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, effectId } = await approve(organizationId);
    await organization.claimEffect({ organizationId, effectId });
    expect(await command(organizationId, issueId, "cancel")).toMatchObject({ failure: { code: "conflict" } });
    const error = { reason: "unavailable", message: "503" };
    const ref = { organizationId, effectId };
    const outcome = { kind: "transient", error, retryAfterMs: null } as const;
    await organization.finishEffect({ ...ref, epoch: 1, outcome });
    expect(await command(organizationId, issueId, "cancel")).toMatchObject({ failure: { code: "conflict" } });
    advanceMs(10 * 60_000);
    await organization.claimEffect(ref);
    const result = { number: 7, url: "https://github.test/pull/7", branch: "b", commit: "beef" };
    expect(await organization.finishEffect({ ...ref, epoch: 2, outcome: { kind: "completed", result } })).toEqual(
      accepted,
    );
    expect((await read(organizationId, issueId)).issue.status).toBe("COMPLETED");
  });

  test("is not for everyone: a foreign issue does not exist, and another's own is forbidden", async () => {
    const [mine, theirs] = [mintOrganizationId(), mintOrganizationId()];
    const { issueId } = await submit(mine);
    const own = (userId: string) => ({ kind: "own", userIds: [userId] }) as const;
    expect(await command(theirs, issueId, "cancel")).toMatchObject({ failure: { code: "not_found" } });
    expect(await command(mine, issueId, "cancel", { visibility: own("user-2") })).toMatchObject({
      failure: { code: "not_found" },
    });
    expect(await command(mine, issueId, "cancel", { authority: own("user-2") })).toMatchObject({
      failure: { code: "forbidden" },
    });
    expect(await command(mine, issueId, "cancel", { authority: own("user-1") })).toMatchObject({ ok: true });
  });
});

describe("pause and resume", () => {
  test("stop a running slice at its next checkpoint, free the slot, and go on where it stood", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, work, slice } = await startWork(organizationId);
    const signal = organization.control({ ...slice, known: "none" });
    await command(organizationId, issueId, "pause");
    expect(await signal).toMatchObject({ kind: "pause" });
    expect(await organization.checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)] }))).toMatchObject({
      ...accepted,
      unheard: [],
    });
    expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "RUNNING" }]);
    expect(await organization.yieldSlice(slice)).toEqual(accepted);
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "PROCESSING" },
      jobs: [{ status: "PAUSED", pausedReason: "operator", attempts: 1 }],
    });
    expect(await heldSlots(organizationId)).toBe(0);
    const events = await allEvents(organizationId);
    expect(await command(organizationId, issueId, "pause")).toMatchObject({ ok: true });
    expect(await allEvents(organizationId)).toEqual(events);

    await command(organizationId, issueId, "resume");
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({ epoch: 2, job: { attempts: 1, pausedReason: null }, attempt: { stepCount: 1 } });
    expect(await command(organizationId, issueId, "resume")).toMatchObject({ ok: true });
    expectNoGaps(await allEvents(organizationId));
  });

  test("taken back before the checkpoint stops nothing", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, slice } = await startWork(organizationId);
    await command(organizationId, issueId, "pause");
    const signal = organization.control({ ...slice, known: "pause" });
    await command(organizationId, issueId, "resume");
    expect(await signal).toEqual({ kind: "none" });
    await organization.yieldSlice(slice);
    expect(await claim(await nextJobMessage(organizationId, 1))).toMatchObject({ epoch: 2 });
  });

  test("hold a waiting job at once", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const message = await nextJobMessage(organizationId);
    await command(organizationId, issueId, "pause");
    expect(await objectOf(organizationId).claim(message)).toEqual({ kind: "stale" });
    await command(organizationId, issueId, "resume");
    expect(await claim(await nextJobMessage(organizationId, 1))).toMatchObject({ epoch: 1, job: { attempts: 1 } });
  });

  test("hold what follows a job that ended before its checkpoint", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const triageJob = await claim(await nextJobMessage(organizationId));
    await command(organizationId, issueId, "pause");
    await objectOf(organizationId).finish({ ...sliceOf(triageJob), outcome: triaged, artifacts: [] });
    expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "COMPLETED" }, { status: "PAUSED" }]);
    await command(organizationId, issueId, "resume");
    expect((await claim(await nextJobMessage(organizationId, 1))).job.role).toBe("work");
  });

  test.each(["transient", "permanent"] as const)(
    "hold a job whose slice ends by a %s failure",
    async (failureClass) => {
      const organizationId = mintOrganizationId();
      const { issueId, slice } = await startWork(organizationId);
      await command(organizationId, issueId, "pause");
      const error = { reason: "overloaded", message: "529" };
      await objectOf(organizationId).fail({ ...slice, failureClass, error, retryAfterMs: 60_000 });
      expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "PAUSED", error }]);
      await command(organizationId, issueId, "resume");
      advanceMs(61_000);
      await runDurableObjectAlarm(stubOf(organizationId));
      const again = await claim(await nextJobMessage(organizationId, 1));
      expect(again.job.attempts).toBe(failureClass === "transient" ? 1 : 2);
    },
  );

  test("hold a job whose slice is lost, and a cancelled one stays cancelled", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startWork(organizationId);
    await command(organizationId, issueId, "pause");
    advanceMs(15_001);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "PAUSED" }]);
    await command(organizationId, issueId, "cancel");
    expect(await command(organizationId, issueId, "resume")).toMatchObject({ failure: { code: "conflict" } });
  });
});

describe("switches", () => {
  /** Reaches the running jobs as a switch does. */
  async function reach(organizationId: string, how: "drain" | "abort"): Promise<void> {
    await runInDurableObject(stubOf(organizationId), (_object, context) => {
      const parts = createOrganizationParts({
        ...parseSchedulingSettings(env),
        context,
        organizationId,
        ports: { ...systemPorts, clock: testClock },
        sendJob: () => Promise.resolve(),
        sendRecords: () => Promise.resolve(),
        sendEffect: () => Promise.resolve(),
        platform: () => clients.platform(),
      });
      const author = { actor: "switch", reason: "drill" };
      parts.changes.run((change) =>
        how === "drain"
          ? parts.runningJobs.drain(change, () => true)
          : parts.runningJobs.abort(change, author, ({ record }) => record.agentType === "briefs.status-workflow"),
      );
    });
    // These parts were others than the object's own, which remember what is no longer so.
    await evictDurableObject(stubOf(organizationId));
  }

  test("drain has running jobs leave at their next checkpoint without using up an attempt", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await startWork(organizationId);
    await reach(organizationId, "drain");
    expect(await objectOf(organizationId).control({ ...slice, known: "none" })).toEqual({ kind: "yield" });
    await objectOf(organizationId).yieldSlice(slice);
    expect((await read(organizationId, issueId)).jobs).toMatchObject([{ attempts: 1 }]);
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({ epoch: 2, attempt: { number: 1 } });
  });

  test("abort cancels what runs at once", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await startWork(organizationId);
    await reach(organizationId, "abort");
    expect(await objectOf(organizationId).control({ ...slice, known: "none" })).toEqual({ kind: "abort" });
    expect((await read(organizationId, issueId)).issue.status).toBe("CANCELLED");
  });
});

describe("leases", () => {
  test("bring a dead slice's job back within two seconds of the lease's end", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startWork(organizationId);
    advanceMs(15_000 + 2_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await claim(await nextJobMessage(organizationId, 1))).toMatchObject({ epoch: 2 });
    const [first, second] = (await allEvents(organizationId)).filter(({ type }) => type === "job.slice_started");
    expect((second?.atMs ?? Infinity) - (first?.atMs ?? 0)).toBeLessThan(15_000 + 2_000 + 2_000);
    expect((await read(organizationId, issueId)).issue.status).toBe("PROCESSING");
  });

  test("arm an alarm no later than their end, also after an eviction", async () => {
    const organizationId = mintOrganizationId();
    await startWork(organizationId);
    const leaseEndsMs = testClock.nowMs() + 15_000;
    expect((await alarmAtMs(organizationId)) ?? Infinity).toBeLessThanOrEqual(leaseEndsMs);
    await forget(organizationId);
    expect((await alarmAtMs(organizationId)) ?? Infinity).toBeLessThanOrEqual(leaseEndsMs);
    advanceMs(15_001);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await claim(await nextJobMessage(organizationId, 1))).toMatchObject({ epoch: 2 });
  });

  test("end a job that silences slice after slice without a new checkpoint as poison", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const lose = async (seen: number, step: number | null): Promise<void> => {
      const work = await claim(await nextJobMessage(organizationId, seen));
      if (step !== null) await organization.checkpoint(checkpointOf(work, { steps: [modelStep(work, step)] }));
      advanceMs(15_001);
      await runDurableObjectAlarm(stubOf(organizationId));
    };
    const harmless = poisonousLosses - 1;
    for (let seen = 0; seen < harmless; seen += 1) await lose(seen, null);
    await lose(harmless, 1);
    for (let seen = 0; seen < harmless; seen += 1) {
      expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "RUNNING" }]);
      await lose(poisonousLosses + seen, null);
    }
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "FAILED" },
      jobs: [{ status: "FAILED", attempts: 1, error: { reason: "poison" } }],
    });
  });

  test("of a deadline whose handling throws are handled again, and the others at once", async () => {
    const organizationId = mintOrganizationId();
    await startWork(organizationId);
    await runInDurableObject(stubOf(organizationId), (_object, state) => {
      state.storage.sql.exec("INSERT INTO deadlines (name, due_at_ms, tries) VALUES ('nobody:knows', 0, 0)");
    });
    advanceMs(15_001);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await claim(await nextJobMessage(organizationId, 1))).toMatchObject({ epoch: 2 });
    const due = await runInDurableObject(stubOf(organizationId), (_object, state) =>
      state.storage.sql.exec("SELECT due_at_ms FROM deadlines WHERE name = 'nobody:knows'").toArray(),
    );
    expect(due).toHaveLength(1);
    expect(await alarmAtMs(organizationId)).not.toBeNull();
  });
});

describe("retry", () => {
  async function failIssue(organizationId: string) {
    const { issueId, work, slice } = await startWork(organizationId);
    const organization = objectOf(organizationId);
    const prompt = promptOver({ baseCommit: "c0ffee", baseBranch: "main" });
    await organization.beginAttempt({ ...slice, attempt: 1, prompt, firstMessage: "first" });
    await organization.checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)], workspace: changedFiles }));
    const error = { reason: "refused", message: "The model refused." };
    await organization.fail({ ...slice, failureClass: "final", error, retryAfterMs: null });
    return { issueId, jobId: work.job.id, error };
  }

  test("does an exhausted job again as a new one over its workspace, once even if asked twice", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, jobId, error } = await failIssue(organizationId);
    const query = { organizationId, before: null, limit: 10 };
    const letter = { kind: "job", id: jobId, issueId, error };
    expect(await objectOf(organizationId).listDeadLetters(query)).toMatchObject([{ ...letter, redrivenAtMs: null }]);

    const answers = await Promise.all([
      command(organizationId, issueId, "retry", { reason: "again, please" }),
      command(organizationId, issueId, "retry"),
    ]);
    expect(answers).toMatchObject([{ ok: true }, { ok: true }]);
    const detail = await read(organizationId, issueId);
    expect(detail.jobs).toMatchObject([{ id: jobId, status: "FAILED" }, { retryOf: jobId }]);
    expect(await objectOf(organizationId).listDeadLetters(query)).toMatchObject([{ ...letter, redrivenAtMs: anyTime }]);
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({
      job: { retryOf: jobId, attempts: 1, agentType: "briefs.status-workflow" },
      workspace: changedFiles,
      workspaceBase: { commit: "c0ffee", branch: "main" },
    });
    await objectOf(organizationId).finish({
      ...sliceOf(again),
      outcome: { role: "work", summary: "Nothing to change." },
      artifacts: [],
    });
    expect((await read(organizationId, issueId)).issue.status).toBe("COMPLETED");
    expect((await eventTypes(organizationId)).filter((type) => type === "issue.commanded")).toHaveLength(1);
  });

  test("of an issue whose time has not come waits for it, and so does one that is paused and resumed", async () => {
    const organizationId = mintOrganizationId();
    const notBeforeMs = testClock.nowMs() + 60_000;
    const { issueId } = await submit(organizationId, { notBeforeMs });
    await command(organizationId, issueId, "cancel");
    await command(organizationId, issueId, "retry");
    await command(organizationId, issueId, "pause");
    await command(organizationId, issueId, "resume");
    expect((await read(organizationId, issueId)).waitingFor).toBe("not_before");
    expect(jobMessages(organizationId)).toEqual([]);
    advanceMs(60_001);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect((await claim(await nextJobMessage(organizationId))).job.role).toBe("triage");
  });

  test("leaves what was given up by the clock among the dead letters", async () => {
    const organizationId = mintOrganizationId();
    const expiresAtMs = testClock.nowMs() + 60_000;
    const { issueId } = await submit(organizationId, { expiresAtMs });
    const slice = sliceOf(await claim(await nextJobMessage(organizationId)));
    const error = { reason: "overloaded", message: "529" };
    const failure = { failureClass: "transient", error, retryAfterMs: 600_000 } as const;
    await objectOf(organizationId).fail({ ...slice, ...failure });
    advanceMs(60_001);
    await runDurableObjectAlarm(stubOf(organizationId));
    const letters = await objectOf(organizationId).listDeadLetters({ organizationId, before: null, limit: 10 });
    expect(letters).toMatchObject([{ id: slice.jobId, issueId, error: { reason: "provider_unavailable" } }]);
  });

  test("does a cancelled issue's job again", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work } = await startWork(organizationId);
    await command(organizationId, issueId, "cancel");
    await command(organizationId, issueId, "retry");
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again.job).toMatchObject({ retryOf: work.job.id, role: "work" });
    expect((await read(organizationId, issueId)).issue.status).toBe("PROCESSING");
  });

  test("redrives an exhausted effect over the same plan, once even if asked twice", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, effectId } = await approve(organizationId);
    const first = await organization.claimEffect({ organizationId, effectId });
    const error = { reason: "forbidden", message: "403" };
    await organization.finishEffect({ organizationId, effectId, epoch: 1, outcome: { kind: "permanent", error } });
    await command(organizationId, issueId, "retry");
    await command(organizationId, issueId, "retry");
    const again = await effectMessage(organizationId, 1);
    const second = await organization.claimEffect({ organizationId, effectId: again.effectId });
    expect(again.effectId).not.toBe(effectId);
    expect(second).toEqual(first);
    const { effects } = await read(organizationId, issueId);
    expect(effects).toMatchObject([{ status: "FAILED" }, { status: "RUNNING", redriveOf: effectId }]);
    const letters = await organization.listDeadLetters({ organizationId, before: null, limit: 10 });
    expect(letters).toMatchObject([{ kind: "effect", id: effectId, error, redrivenAtMs: anyTime }]);
  });

  test("leaves a list of dead letters that is read in pages, newest first", async () => {
    const organizationId = mintOrganizationId();
    const first = await failIssue(organizationId);
    advanceMs(1_000);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const second = await claim(await nextJobMessage(organizationId, 1));
    const error = { reason: "stuck", message: "Round in circles." };
    await objectOf(organizationId).fail({ ...sliceOf(second), failureClass: "final", error, retryAfterMs: null });
    const page = async (before: Parameters<ReturnType<typeof objectOf>["listDeadLetters"]>[0]["before"]) =>
      objectOf(organizationId).listDeadLetters({ organizationId, before, limit: 1 });
    const [newest] = await page(null);
    expect(newest).toMatchObject({ issueId, id: second.job.id });
    if (newest === undefined) return;
    expect(await page(newest)).toMatchObject([{ id: first.jobId }]);
  });
});

describe("a job that ends before its work is done", () => {
  const dayMs = 24 * 60 * 60_000;
  const patch = "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+b\n";
  const workspace = [
    {
      path: "src/x.ts",
      content: "b\n",
      difference: { change: "modified", additions: 1, deletions: 1, patch } as const,
    },
    { path: "src/as-it-was.ts", content: "a\n", difference: null },
  ];

  /** A job with words and a changed file, whose slice still runs. */
  async function begun(organizationId: string, changes: SubmissionChanges = {}) {
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow", ...changes });
    const work = await claim(await nextJobMessage(organizationId));
    const appendedMessages = [asking("Go."), saying("I look."), saying("It is the guard."), asking("Go on.")];
    const steps = [modelStep(work, 1)];
    expect(
      await objectOf(organizationId).checkpoint(checkpointOf(work, { steps, appendedMessages, workspace })),
    ).toMatchObject(accepted);
    return { issueId, work, slice: sliceOf(work) };
  }

  const transient = (slice: ReturnType<typeof sliceOf>, retryAfterMs = 60_000) =>
    ({ ...slice, failureClass: "transient", error: { reason: "overloaded", message: "529" }, retryAfterMs }) as const;

  async function letPass(organizationId: string, ms: number): Promise<void> {
    advanceMs(ms);
    await runDurableObjectAlarm(stubOf(organizationId));
  }

  /** What the job left, and that nothing of it follows its end. */
  async function expectKept(organizationId: string, issueId: string, reason: string): Promise<void> {
    const query = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
    const left = (await objectOf(organizationId).listArtifacts(query))?.items ?? [];
    expect(left).toMatchObject([
      { artifact: { type: "ANALYSIS", name: "Partial work", metadata: { partial: true, reason } }, diffPatch: patch },
    ]);
    expect(left[0]?.content).toContain("It is the guard.");
    expect(left[0]?.content).not.toContain("I look.");
    expect(left[0]?.content).toContain("- modified src/x.ts");
    expect(left[0]?.content).not.toContain("as-it-was");
    const ofJob = (await allEvents(organizationId)).filter(({ jobId }) => jobId !== null).map(({ type }) => type);
    expect(ofJob.slice(ofJob.indexOf("artifact.created"))).toEqual(["artifact.created", "job.status_changed"]);
    expect((await read(organizationId, issueId)).reviews).toEqual([]);
    expect(await heldSlots(organizationId)).toBe(0);
  }

  test("by a command while its slice runs keeps what there is, before the end is told", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await begun(organizationId);
    await command(organizationId, issueId, "cancel");
    expect(await objectOf(organizationId).checkpoint(checkpointOf(work, { steps: [modelStep(work, 2)] }))).toEqual(
      refused,
    );
    await expectKept(organizationId, issueId, "cancelled");
    expect(await objectOf(organizationId).fail(transient(slice))).toEqual(refused);
    const types = await eventTypes(organizationId);
    expect(types.indexOf("artifact.created")).toBe(types.indexOf("issue.commanded") - 1);
  });

  test("by a command while it waits between two slices keeps what there is", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await begun(organizationId);
    await objectOf(organizationId).fail(transient(slice));
    expect((await read(organizationId, issueId)).waitingFor).toBe("retry_delay");
    expect(await deadlinesOf(organizationId, "provider")).toHaveLength(1);
    await command(organizationId, issueId, "cancel");
    await expectKept(organizationId, issueId, "cancelled");
    expect(await deadlinesOf(organizationId, "provider")).toEqual([]);
  });

  test("by the silence of its slices keeps what there is", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await begun(organizationId);
    for (let losses = 1; losses < poisonousLosses; losses += 1) {
      await letPass(organizationId, 16_000);
      await claim(await nextJobMessage(organizationId, losses));
    }
    await letPass(organizationId, 16_000);
    expect((await read(organizationId, issueId)).issue.status).toBe("FAILED");
    await expectKept(organizationId, issueId, "poison");
  });

  test("by the time after which its issue is not wanted keeps what there is", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await begun(organizationId, { expiresAtMs: testClock.nowMs() + 60_000 });
    await command(organizationId, issueId, "pause");
    await objectOf(organizationId).yieldSlice(slice);
    advanceMs(60_000);
    await command(organizationId, issueId, "resume");
    expect((await read(organizationId, issueId)).issue.status).toBe("CANCELLED");
    await expectKept(organizationId, issueId, "expired");
  });

  test("by a provider that stays away ends after a day, though a breaker never let it try again", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await begun(organizationId);
    const failedAtMs = testClock.nowMs();
    await objectOf(organizationId).fail(transient(slice));
    // The day counts from the first failure on.
    await letPass(organizationId, 60 * 60_000);
    await objectOf(organizationId).fail(transient(sliceOf(await claim(await nextJobMessage(organizationId, 1)))));
    const since = { sinceMs: failedAtMs, probeAtMs: failedAtMs + 30 * dayMs };
    const breakers = [{ model: "sonnet", status: "open", ...since }] as const;
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId), version: 2, breakers });
    await letPass(organizationId, failedAtMs + dayMs - 1_000 - testClock.nowMs());
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "QUEUED" },
      waitingFor: "provider_back_off",
    });
    const alarmMs = await alarmAtMs(organizationId);
    expect(alarmMs).toBeLessThanOrEqual(failedAtMs + dayMs + 500);
    await letPass(organizationId, 1_500);
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "FAILED" },
      jobs: [{ status: "FAILED", attempts: 1, error: { reason: "provider_unavailable" } }],
    });
    expect(jobMessages(organizationId)).toHaveLength(2);
    await expectKept(organizationId, issueId, "provider_unavailable");
  });

  test("by a provider is spared by an answer in time, and by a pause in which nobody tried", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await begun(organizationId);
    await objectOf(organizationId).fail(transient(slice));
    await command(organizationId, issueId, "pause");
    await letPass(organizationId, 2 * dayMs);
    await command(organizationId, issueId, "resume");
    const second = await claim(await nextJobMessage(organizationId, 1));
    await objectOf(organizationId).fail(transient(sliceOf(second)));
    await letPass(organizationId, 61_000);
    const third = await claim(await nextJobMessage(organizationId, 2));
    await objectOf(organizationId).checkpoint(checkpointOf(third, { steps: [modelStep(third, 2)] }));
    await objectOf(organizationId).yieldSlice(sliceOf(third));
    expect(await deadlinesOf(organizationId, "provider")).toEqual([]);
    await letPass(organizationId, dayMs);
    expect((await read(organizationId, issueId)).jobs).toMatchObject([{ status: "RUNNING", attempts: 1 }]);
  });

  test("without having begun leaves nothing", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await begun(organizationId);
    const error = { reason: "stuck", message: "Round in circles." };
    await objectOf(organizationId).fail({ ...slice, failureClass: "final", error, retryAfterMs: null });
    await command(organizationId, issueId, "retry");
    await nextJobMessage(organizationId, 1);
    await command(organizationId, issueId, "cancel");
    const created = async () => (await eventTypes(organizationId)).filter((type) => type === "artifact.created");
    expect(await created()).toHaveLength(1);
    // Once it begins, what it took over counts.
    await command(organizationId, issueId, "retry");
    const again = await claim(await nextJobMessage(organizationId, 2));
    expect(again.workspace).toHaveLength(2);
    await objectOf(organizationId).fail({ ...sliceOf(again), failureClass: "final", error, retryAfterMs: null });
    const query = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
    const left = (await objectOf(organizationId).listArtifacts(query))?.items ?? [];
    expect(left.map(({ diffPatch }) => diffPatch)).toEqual([patch, patch]);
  });

  test("names files that were saved before differences were kept", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work } = await startWork(organizationId);
    const steps = [modelStep(work, 1)];
    await objectOf(organizationId).checkpoint(checkpointOf(work, { steps, workspace: changedFiles }));
    await command(organizationId, issueId, "cancel");
    const query = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
    const [left] = (await objectOf(organizationId).listArtifacts(query))?.items ?? [];
    expect(left?.content).toContain(`- changed ${changedFiles[0]?.path}`);
    expect(left?.diffPatch).toBeNull();
  });

  test("leaves nothing that was not work", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const appendedMessages = [saying("It is a bug.")];
    await objectOf(organizationId).checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)], appendedMessages }));
    await command(organizationId, issueId, "cancel");
    expect(await eventTypes(organizationId)).not.toContain("artifact.created");
  });
});

describe("an object that is evicted between every two calls", () => {
  test("pauses, resumes, cancels and retries as if nothing had happened", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await startWork(organizationId);
    await forget(organizationId);
    await command(organizationId, issueId, "pause");
    await forget(organizationId);
    expect(await objectOf(organizationId).control({ ...slice, known: "none" })).toEqual({ kind: "pause" });
    await forget(organizationId);
    await objectOf(organizationId).checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)] }));
    await forget(organizationId);
    await objectOf(organizationId).yieldSlice(slice);
    await forget(organizationId);
    await command(organizationId, issueId, "resume");
    const again = await claim(await nextJobMessage(organizationId, 1));
    await forget(organizationId);
    await command(organizationId, issueId, "cancel");
    await forget(organizationId);
    expect(await objectOf(organizationId).control({ ...sliceOf(again), known: "none" })).toEqual({ kind: "cancel" });
    await forget(organizationId);
    const settlement = { ...sliceOf(again), stepNumber: 2, usage: null };
    expect(await objectOf(organizationId).settle(settlement)).toEqual(accepted);
    await forget(organizationId);
    await command(organizationId, issueId, "retry");
    await forget(organizationId);
    expect(await claim(await nextJobMessage(organizationId, 2))).toMatchObject({ job: { retryOf: work.job.id } });
    expectNoGaps(await allEvents(organizationId));
  });
});

test("who decided what is written down once, and nothing that only follows from it", async () => {
  const organizationId = mintOrganizationId();
  const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
  const other = await submit(organizationId);
  await command(organizationId, other.issueId, "cancel", { actor: "bob", reason: "A duplicate." });
  await command(organizationId, other.issueId, "cancel", { actor: "eve" });
  const decision = {
    organizationId,
    reviewId,
    decision: "reject",
    contentHash,
    note: "Not so.",
    decidedBy: "ada",
  } as const;
  const approvers = { actingAs: ["organization", "platform"], deciderIds: [] } as const;
  await objectOf(organizationId).decideReview({ ...decision, ...approvers });
  await objectOf(organizationId).decideReview({ ...decision, ...approvers });
  const decisions = (before: number | null) =>
    objectOf(organizationId).readDecisions({ organizationId, before, limit: 10 });
  expect(await decisions(null)).toEqual([
    {
      number: 2,
      atMs: anyTime,
      action: "review.decided",
      outcome: "REJECTED",
      actor: "ada",
      reason: "Not so.",
      issueId,
      reviewId,
    },
    {
      number: 1,
      atMs: anyTime,
      action: "issue.commanded",
      outcome: "cancel",
      actor: "bob",
      reason: "A duplicate.",
      issueId: other.issueId,
      reviewId: null,
    },
  ]);
  expect((await decisions(2)).map(({ number }) => number)).toEqual([1]);
});
