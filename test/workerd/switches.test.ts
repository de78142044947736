/** Switches from the platform object to the organizations' work, over the real objects. */
import { reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Assignment, SubmitReceipt } from "../../src/contracts/organization-rpc.ts";
import type { AdminCommand, SetSwitch } from "../../src/contracts/platform-rpc.ts";
import { effectMessageSchema } from "../../src/contracts/queue-messages.ts";
import type { Switch } from "../../src/contracts/switches.ts";
import {
  allEvents,
  bringToReview,
  checkpointOf,
  claim,
  clients,
  changedFiles,
  everything,
  expectNoGaps,
  jobMessages,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  repository,
  runJob,
  type SubmissionChanges,
  submit,
  submitCommand,
} from "./organization-driver.ts";
import { receivedMessages } from "./received-messages.ts";
import { advanceMs, testClock } from "./test-clock.ts";
import { setReachable } from "./unreachable.ts";

afterEach(reset);

const platform = () => clients.platform();
const platformObject = () => env.PLATFORM.getByName("platform");
const organizationObject = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const root = { kind: "platform", name: "root" } as const;
const done = { role: "work", summary: "Nothing to change." } as const;
const agentType = "briefs.status-workflow";
const waitFor = <Value>(condition: () => Promise<Value> | Value) => vi.waitUntil(condition, { timeout: 5_000 });

/** A new organization that the platform knows. */
async function newOrganization(): Promise<string> {
  const organizationId = mintOrganizationId();
  const limitOverrides = { limits: {}, expiresAtMs: null };
  await platform().putOrganization({
    organizationId,
    tier: "pro",
    slug: "acme",
    repository,
    limitOverrides,
    actor: root,
  });
  await acknowledged(organizationId);
  return organizationId;
}

/** Submits as an edge would: with the platform's terms as they are now. */
async function submitNow(organizationId: string, changes: SubmissionChanges = {}): Promise<SubmitReceipt> {
  const terms = await platform().readTerms(organizationId);
  return submit(organizationId, { requestedAgentType: agentType, terms, ...changes });
}

const isPushPending = (organizationId: string) =>
  runInDurableObject(
    platformObject(),
    (_object, { storage }) =>
      storage.sql.exec("SELECT 1 FROM deadlines WHERE name = ?", `terms:${organizationId}`).toArray().length > 0,
  );

async function acknowledged(organizationId: string): Promise<void> {
  await waitFor(async () => !(await isPushPending(organizationId)));
}

async function setSwitch(changes: Partial<SetSwitch>): Promise<Switch> {
  const hold: SetSwitch = {
    scope: { kind: "platform" },
    mode: "hold",
    actor: root,
    reason: "maintenance",
    expiresAtMs: null,
  };
  const outcome = await platform().setSwitch({ ...hold, ...changes });
  if (!outcome.ok) throw new Error(outcome.failure.detail);
  const { replayed: _replayed, ...added } = outcome.value;
  return added;
}

async function administer(
  organizationId: string,
  action: AdminCommand["action"],
  actor: AdminCommand["actor"] = root,
): Promise<readonly Switch[]> {
  const scope = { kind: "organization", value: organizationId } as const;
  const outcome = await platform().administer({ action, scope, actor, reason: `${action}, please` });
  if (!outcome.ok) throw new Error(outcome.failure.detail);
  await acknowledged(organizationId);
  return outcome.value;
}

async function read(organizationId: string, issueId: string) {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (detail === null) throw new Error("the issue is gone");
  return detail;
}

function sliceOf({ issue, job, epoch }: Assignment) {
  return { organizationId: issue.organizationId, jobId: job.id, epoch };
}

const signalOf = async (assignment: Assignment, known: "none" | "yield" = "none") =>
  (await objectOf(assignment.issue.organizationId).control({ ...sliceOf(assignment), known })).kind;

const noSlots = () => waitFor(async () => (await platform().readStatus()).slotsInUse === 0);

describe("pause and resume", () => {
  test("take back what was sent and not claimed, and send it again", async () => {
    const organizationId = await newOrganization();
    const { issueId } = await submitNow(organizationId);
    const message = await nextJobMessage(organizationId);
    await administer(organizationId, "pause");
    expect(await objectOf(organizationId).claim(message)).toEqual({ kind: "stale" });
    await noSlots();
    expect(await platform().readStatus()).toMatchObject({ demand: 0 });
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "QUEUED" },
      waitingFor: "switch",
      waitingReason: "pause, please",
    });
    const { issueId: second } = await submitNow(organizationId);
    expect((await read(organizationId, second)).waitingFor).toBe("switch");
    expect(await administer(organizationId, "resume")).toEqual([]);
    await nextJobMessage(organizationId, 2);
    const [, ...sent] = jobMessages(organizationId);
    const claimed = await Promise.all(sent.map((again) => claim(again)));
    expect(claimed.map(({ job }) => job.issueId).sort()).toEqual([issueId, second].sort());
    expect(claimed.map(({ job }) => job.attempts)).toEqual([1, 1]);
    expectNoGaps(await allEvents(organizationId));
  });

  test("let a running slice go on, and hold what follows it", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId, { requestedAgentType: null });
    const triage = await claim(await nextJobMessage(organizationId));
    await administer(organizationId, "pause");
    expect(await objectOf(organizationId).renewLease(sliceOf(triage))).toEqual({ accepted: true });
    expect(await objectOf(organizationId).yieldSlice(sliceOf(triage))).toEqual({ accepted: true });
    await noSlots();
    expect(jobMessages(organizationId)).toHaveLength(1);
    await administer(organizationId, "resume");
    expect((await claim(await nextJobMessage(organizationId, 1))).job).toMatchObject({
      id: triage.job.id,
      attempts: 1,
    });
  });

  test("repeated, change nothing; and no organization takes away what the platform set", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    const boss = { kind: "organization", name: "user-1" } as const;
    const [byRoot] = await administer(organizationId, "pause");
    expect(await administer(organizationId, "pause")).toEqual([byRoot]);
    expect(await administer(organizationId, "pause", boss)).toHaveLength(2);
    expect(await administer(organizationId, "resume", boss)).toEqual([byRoot]);
    expect(await administer(organizationId, "resume", boss)).toEqual([byRoot]);
    expect(await administer(organizationId, "resume")).toEqual([]);
    const audit = await platform().readAudit({ before: null, limit: 10 });
    expect(audit.map(({ action, actor }) => [action, actor?.name])).toEqual([
      ["switch.removed", "root"],
      ["switch.removed", "user-1"],
      ["switch.set", "user-1"],
      ["switch.set", "root"],
      ["organization.set", "root"],
    ]);
    expect(audit.map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    expect(audit[0]).toMatchObject({ reason: "resume, please", subject: byRoot });
  });
});

describe("drain and abort", () => {
  test("drain has a running slice yield, and uses up no attempt", async () => {
    const organizationId = await newOrganization();
    const { issueId } = await submitNow(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const told = signalOf(work);
    await administer(organizationId, "drain");
    expect(await told).toBe("yield");
    expect(await objectOf(organizationId).yieldSlice(sliceOf(work))).toEqual({ accepted: true });
    await noSlots();
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "QUEUED" },
      jobs: [{ status: "PENDING", attempts: 1 }],
      waitingFor: "switch",
    });
    await administer(organizationId, "resume");
    expect((await claim(await nextJobMessage(organizationId, 1))).job).toMatchObject({ attempts: 1 });
  });

  test("abort cancels what runs, in the name of the switch, and lets nothing start", async () => {
    const organizationId = await newOrganization();
    const { issueId } = await submitNow(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const other = await submitNow(organizationId, { requestedAgentType: "briefs.other" });
    await nextJobMessage(organizationId, 1);
    const told = signalOf(work);
    await setSwitch({ scope: { kind: "agent", value: agentType }, mode: "abort", reason: "It deletes things." });
    expect(await told).toBe("abort");
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "CANCELLED" },
      jobs: [{ status: "CANCELLED", error: { message: "It deletes things." } }],
    });
    const late = await submitNow(organizationId);
    expect((await read(organizationId, late.issueId)).waitingFor).toBe("switch");
    expect((await read(organizationId, other.issueId)).issue.status).toBe("QUEUED");
    expect((await claim(await nextJobMessage(organizationId, 1))).job.issueId).toBe(other.issueId);
  });
});

describe("clear", () => {
  test("cancels what waits, delayed work too, and leaves what runs and what is under review", async () => {
    const organizationId = await newOrganization();
    const reviewed = await bringToReview(organizationId);
    const running = await submitNow(organizationId);
    const work = await claim(await nextJobMessage(organizationId, 3));
    const delayed = await submitNow(organizationId);
    const failing = await claim(await nextJobMessage(organizationId, 4));
    await objectOf(organizationId).fail({
      ...sliceOf(failing),
      failureClass: "transient",
      error: { reason: "overloaded", message: "Too busy." },
      retryAfterMs: 600_000,
    });
    await administer(organizationId, "pause");
    const waiting = await submitNow(organizationId);
    await administer(organizationId, "clear");
    const statuses = await Promise.all(
      [reviewed, running, delayed, waiting].map(
        async ({ issueId }) => (await read(organizationId, issueId)).issue.status,
      ),
    );
    expect(statuses).toEqual(["REVIEW", "PROCESSING", "CANCELLED", "CANCELLED"]);
    const cleared = (await allEvents(organizationId)).filter(({ type }) => type === "issue.commanded");
    expect(cleared).toMatchObject([
      { data: { command: "cancel", actor: "root", reason: "clear, please" } },
      { data: { command: "cancel", actor: "root", reason: "clear, please" } },
    ]);
    await administer(organizationId, "resume");
    const later = await submitNow(organizationId);
    expect((await claim(await nextJobMessage(organizationId, 5))).job.issueId).toBe(later.issueId);
    expect(await objectOf(organizationId).renewLease(sliceOf(work))).toEqual({ accepted: true });
    expect((await platform().readAudit({ before: null, limit: 2 })).map(({ action }) => action)).toEqual([
      "switch.removed",
      "work.cleared",
    ]);
  });

  test("of the platform reaches every organization with work that waits", async () => {
    const organizationIds = [await newOrganization(), await newOrganization()];
    await setSwitch({ mode: "hold" });
    const receipts = await Promise.all(organizationIds.map((organizationId) => submitNow(organizationId)));
    await waitFor(async () => {
      const rows = await runInDurableObject(platformObject(), (_object, { storage }) =>
        storage.sql.exec("SELECT 1 FROM demands WHERE has_open_work = 1").toArray(),
      );
      return rows.length === 2;
    });
    await platform().administer({ action: "clear", scope: { kind: "platform" }, actor: root, reason: "start afresh" });
    for (const [index, organizationId] of organizationIds.entries()) {
      await acknowledged(organizationId);
      expect((await read(organizationId, receipts[index]?.issueId ?? "")).issue.status).toBe("CANCELLED");
    }
  });
});

describe("a model out of reach", () => {
  const breakersOf = async (organizationId: string) => (await platform().readTerms(organizationId)).breakers;
  const fault = { model: "sonnet", faults: 1, answers: 0, retryAfterMs: null } as const;

  test("starts no jobs until one of them gets an answer again, and others go on meanwhile", async () => {
    const organizationId = await newOrganization();
    const organization = objectOf(organizationId);
    const first = await submitNow(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    for (const other of ["org-a", "org-b", "org-c", "org-d"]) {
      await platform().reportModel({ organizationId: other, ...fault });
    }
    expect(await breakersOf(organizationId)).toEqual([]);
    const error = { reason: "overloaded", message: "Too busy." };
    const failure = { ...sliceOf(work), failureClass: "transient", error, isModelFault: true } as const;
    await organization.fail({ ...failure, retryAfterMs: 10_000 });
    await waitFor(async () => (await breakersOf(organizationId)).length > 0);
    await acknowledged(organizationId);
    expect(await breakersOf(organizationId)).toMatchObject([{ model: "sonnet", status: "open" }]);

    const second = await submitNow(organizationId);
    expect(await read(organizationId, second.issueId)).toMatchObject({
      waitingFor: "provider_back_off",
      waitingReason: "The provider of sonnet is out of reach.",
    });
    const cheaper = await submitNow(organizationId, { requestedModel: "haiku" });
    expect((await runJob(organizationId, 1, done)).job.issueId).toBe(cheaper.issueId);

    advanceMs(31_000);
    await runDurableObjectAlarm(platformObject());
    await acknowledged(organizationId);
    expect(await breakersOf(organizationId)).toMatchObject([{ model: "sonnet", status: "half_open" }]);
    await runDurableObjectAlarm(organizationObject(organizationId));
    const probe = await claim(await nextJobMessage(organizationId, 2));
    expect(probe.job.issueId).toBe(first.issueId);
    expect(probe.isDebugged).toBe(false);
    expect((await read(organizationId, second.issueId)).waitingFor).toBe("provider_back_off");

    await organization.checkpoint(checkpointOf(probe, { steps: [modelStep(probe, 1)] }));
    await waitFor(async () => (await breakersOf(organizationId)).length === 0);
    expect((await claim(await nextJobMessage(organizationId, 3))).job.issueId).toBe(second.issueId);
    const told = (await allEvents(organizationId)).flatMap(({ type, issueId, data }) =>
      type === "issue.waiting_changed" && issueId === second.issueId ? [data.waitingFor] : [],
    );
    expect(told[0]).toBe("provider_back_off");
  });

  /** One slice of the organization's next job: so many answers, then a failure. */
  async function sliceThatFails(organizationId: string, seen: number, answers: number, isModelFault: boolean) {
    const work = await claim(await nextJobMessage(organizationId, seen));
    const steps = Array.from({ length: answers }, (_, index) => modelStep(work, work.attempt.stepCount + index + 1));
    if (answers > 0) await objectOf(organizationId).checkpoint(checkpointOf(work, { steps }));
    const error = { reason: "overloaded", message: "Too busy." };
    const failure = { ...sliceOf(work), failureClass: "transient", error, isModelFault, retryAfterMs: 10_000 } as const;
    await objectOf(organizationId).fail(failure);
    advanceMs(10_001);
    await runDurableObjectAlarm(organizationObject(organizationId));
  }

  /** What the platform has heard of the model in the last minute, while its breaker is closed. */
  const heard = () =>
    runInDurableObject(platformObject(), (_object, { storage }) =>
      storage.sql
        .exec(
          `SELECT SUM(value ->> '$.faults') AS faults, SUM(value ->> '$.answers') AS answers
           FROM breakers, json_each(state, '$.sightings') WHERE model = 'sonnet'`,
        )
        .one(),
    );

  test("is judged by what slices saw of it: each answer, and no fault of anything else", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    // Faults of GitHub, say.
    for (let seen = 0; seen < 4; seen += 1) await sliceThatFails(organizationId, seen, 0, false);
    await sliceThatFails(organizationId, 4, 2, true);
    await waitFor(async () => (await heard())["answers"] === 2);
    expect(await heard()).toEqual({ faults: 1, answers: 2 });
    // Two answers outweigh up to seven faults.
    for (let more = 2; more <= 7; more += 1) await platform().reportModel({ organizationId: "org-a", ...fault });
    expect(await breakersOf(organizationId)).toEqual([]);
    await platform().reportModel({ organizationId: "org-a", ...fault });
    expect(await breakersOf(organizationId)).toMatchObject([{ status: "open" }]);
  });

  test("is judged by each answer once, however many faults follow it", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    await sliceThatFails(organizationId, 0, 1, true);
    for (let seen = 1; seen < 4; seen += 1) await sliceThatFails(organizationId, seen, 0, true);
    await waitFor(async () => (await heard())["faults"] === 4);
    expect(await heard()).toEqual({ faults: 4, answers: 1 });
    await sliceThatFails(organizationId, 4, 0, true);
    await waitFor(async () => (await breakersOf(organizationId)).length > 0);
  });

  test("is on trial, and what was made with it is carried out all the same", async () => {
    const organizationId = await newOrganization();
    const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
    const terms = await platform().readTerms(organizationId);
    const breakers = [{ model: "sonnet", status: "half_open", sinceMs: 0, probeAtMs: 0 }] as const;
    await objectOf(organizationId).applyTerms({ ...terms, version: terms.version + 1, breakers });
    const person = {
      note: null,
      decidedBy: "ada",
      deciderIds: ["ada"],
      actingAs: ["organization", "platform"],
    } as const;
    await objectOf(organizationId).decideReview({
      organizationId,
      reviewId,
      contentHash,
      decision: "approve",
      ...person,
    });
    const [effect] = (await read(organizationId, issueId)).effects;
    const claimed = await objectOf(organizationId).claimEffect({ organizationId, effectId: effect?.id ?? "" });
    expect(claimed).toMatchObject({ kind: "claimed", issueId });
    expect((await read(organizationId, issueId)).effects).toMatchObject([{ status: "RUNNING", dryRun: null }]);
  });

  test("that fails its trial is left alone for twice as long", async () => {
    const organizationId = await newOrganization();
    for (let count = 1; count <= 5; count += 1) await platform().reportModel({ organizationId, ...fault });
    const [opened] = await breakersOf(organizationId);
    advanceMs(31_000);
    await runDurableObjectAlarm(platformObject());
    await platform().reportModel({ organizationId, ...fault });
    const [again] = await breakersOf(organizationId);
    expect(again).toMatchObject({ status: "open", sinceMs: opened?.sinceMs });
    expect((again?.probeAtMs ?? 0) - testClock.nowMs()).toBeGreaterThan(55_000);
    await platform().reportModel({ organizationId, ...fault, faults: 0, answers: 3 });
    expect(await breakersOf(organizationId)).toEqual([again]);
  });
});

describe("a switch that ends by itself", () => {
  test("ends in the organization without a word of the platform, and is gone there too", async () => {
    const organizationId = await newOrganization();
    const { issueId } = await submitNow(organizationId);
    await nextJobMessage(organizationId);
    const hold = await setSwitch({ expiresAtMs: testClock.nowMs() + 60_000 });
    await acknowledged(organizationId);
    await noSlots();
    expect((await read(organizationId, issueId)).waitingFor).toBe("switch");
    setReachable(organizationId, false);
    advanceMs(60_001);
    await runDurableObjectAlarm(organizationObject(organizationId));
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again.issue.id).toBe(issueId);
    setReachable(organizationId, true);
    await runDurableObjectAlarm(platformObject());
    expect(await platform().readSwitches(null)).toEqual([]);
    expect(await platform().readAudit({ before: null, limit: 1 })).toMatchObject([
      { action: "switch.expired", actor: null, subject: hold },
    ]);
  });

  test("refuses submissions until then, and tells when to come back", async () => {
    const organizationId = await newOrganization();
    await setSwitch({ mode: "refuse", reason: "Back at noon.", expiresAtMs: testClock.nowMs() + 90_000 });
    const terms = await platform().readTerms(organizationId);
    const outcome = await objectOf(organizationId).submit(submitCommand(organizationId, { terms }));
    expect(outcome).toMatchObject({ ok: false, failure: { code: "switched_off", detail: "Back at noon." } });
    const retryAfterSeconds = outcome.ok ? undefined : outcome.failure.retryAfterSeconds;
    expect(retryAfterSeconds).toBeGreaterThan(80);
    expect(retryAfterSeconds).toBeLessThanOrEqual(90);
    advanceMs(90_001);
    expect((await objectOf(organizationId).submit(submitCommand(organizationId, { terms }))).ok).toBe(true);
  });
});

describe("a change of switches", () => {
  test("is pushed until the organization has it, and gets it no slot before", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    const message = await nextJobMessage(organizationId);
    await waitFor(async () => (await platform().readStatus()).slotsInUse === 1);
    setReachable(organizationId, false);
    await setSwitch({ scope: { kind: "organization", value: organizationId } });
    await submitNow(organizationId, { terms: { ...(await platform().readTerms(organizationId)), version: 0 } });
    const work = await claim(message);
    await objectOf(organizationId).finish({ ...sliceOf(work), outcome: done, artifacts: [] });
    await noSlots();
    advanceMs(2_000);
    await runDurableObjectAlarm(platformObject());
    expect(await isPushPending(organizationId)).toBe(true);
    expect(jobMessages(organizationId)).toHaveLength(1);
    setReachable(organizationId, true);
    advanceMs(2_000);
    await runDurableObjectAlarm(platformObject());
    await acknowledged(organizationId);
    expect(jobMessages(organizationId)).toHaveLength(1);
    await administer(organizationId, "resume");
    await nextJobMessage(organizationId, 1);
  });

  test("reaches an organization that was idle when it was made, before its work starts", async () => {
    const organizationId = await newOrganization();
    const stale = await platform().readTerms(organizationId);
    await setSwitch({ scope: { kind: "organization", value: organizationId } });
    const { issueId } = await submit(organizationId, { requestedAgentType: agentType, terms: stale });
    await waitFor(async () => (await read(organizationId, issueId)).waitingFor === "switch");
    expect(jobMessages(organizationId)).toEqual([]);
  });

  test("says how: modes of the wrong scope, ends in the past and unknown switches are refused", async () => {
    const command = { mode: "off", actor: root, reason: "x", expiresAtMs: null } as const;
    expect(await platform().setSwitch({ ...command, scope: { kind: "platform" } })).toMatchObject({
      failure: { code: "invalid_request", field: "mode" },
    });
    const past = { scope: { kind: "feature", value: "pull_requests" }, expiresAtMs: testClock.nowMs() } as const;
    expect(await platform().setSwitch({ ...command, ...past })).toMatchObject({ failure: { field: "expiresAt" } });
    expect(await platform().removeSwitch({ switchId: "swi_none", actor: root, reason: "x" })).toMatchObject({
      failure: { code: "not_found" },
    });
    expect(await platform().readAudit({ before: null, limit: 10 })).toEqual([]);
  });
});

describe("features, tools and debug", () => {
  test("pull requests wait while they are off, and go out when they are on again", async () => {
    const organizationId = await newOrganization();
    const { reviewId, contentHash } = await bringToReview(organizationId);
    const off = await setSwitch({ scope: { kind: "feature", value: "pull_requests" }, mode: "off" });
    await acknowledged(organizationId);
    const approved = await objectOf(organizationId).decideReview({
      organizationId,
      reviewId,
      decision: "approve",
      note: null,
      contentHash,
      decidedBy: "ada",
      actingAs: ["organization", "platform"],
      deciderIds: ["ada"],
    });
    expect(approved.ok).toBe(true);
    const created = (await allEvents(organizationId)).find(({ type }) => type === "effect.created");
    const effectId = created?.type === "effect.created" ? created.data.effect.id : "";
    const sent = () =>
      receivedMessages()
        .filter(({ queue }) => queue === "agent-effects")
        .map(({ body }) => effectMessageSchema.parse(body))
        .filter((message) => message.effectId === effectId);
    expect(await objectOf(organizationId).claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
    advanceMs(60_000);
    await runDurableObjectAlarm(organizationObject(organizationId));
    expect(sent()).toEqual([]);
    await platform().removeSwitch({ switchId: off.id, actor: root, reason: "on again" });
    await waitFor(() => sent().length === 1);
    expect((await objectOf(organizationId).claimEffect({ organizationId, effectId })).kind).toBe("claimed");
  });

  test("a slice is told which tools are off", async () => {
    const organizationId = await newOrganization();
    await setSwitch({ scope: { kind: "tool", value: "edit_file" }, mode: "off" });
    await submitNow(organizationId);
    expect((await claim(await nextJobMessage(organizationId))).toolsOff).toEqual(["edit_file"]);
  });

  test("what a debugged job's change would have done is written down, and nothing of it leaves", async () => {
    const organizationId = await newOrganization();
    const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
    await setSwitch({ scope: { kind: "organization", value: organizationId }, mode: "debug" });
    await acknowledged(organizationId);
    const decided = {
      note: null,
      decidedBy: "ada",
      deciderIds: ["ada"],
      actingAs: ["organization", "platform"],
    } as const;
    const object = objectOf(organizationId);
    await object.decideReview({ organizationId, reviewId, contentHash, decision: "approve", ...decided });
    const created = (await allEvents(organizationId)).find(({ type }) => type === "effect.created");
    const effectId = created?.type === "effect.created" ? created.data.effect.id : "";
    expect(await object.claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
    expect(await object.readIssue({ organizationId, issueId, visibility: everything })).toMatchObject({
      issue: { status: "COMPLETED" },
      effects: [
        {
          status: "COMPLETED",
          attempts: 0,
          result: null,
          dryRun: {
            branch: `agent/org-${organizationId}/${issueId}`,
            baseCommit: "c0ffee",
            paths: [changedFiles[0]?.path],
          },
        },
      ],
    });
    expect(await object.claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
  });

  test("an effect that may have begun is finished in spite of a debug switch", async () => {
    const organizationId = await newOrganization();
    const { reviewId, contentHash } = await bringToReview(organizationId);
    const decided = {
      note: null,
      decidedBy: "ada",
      deciderIds: ["ada"],
      actingAs: ["organization", "platform"],
    } as const;
    const object = objectOf(organizationId);
    await object.decideReview({ organizationId, reviewId, contentHash, decision: "approve", ...decided });
    const created = (await allEvents(organizationId)).find(({ type }) => type === "effect.created");
    const effectId = created?.type === "effect.created" ? created.data.effect.id : "";
    const first = await object.claimEffect({ organizationId, effectId });
    if (first.kind !== "claimed") throw new Error("the effect was stale");
    const outcome = { kind: "transient", error: { reason: "r", message: "m" }, retryAfterMs: 1 } as const;
    await object.finishEffect({ organizationId, effectId, epoch: first.epoch, outcome });
    await setSwitch({ scope: { kind: "organization", value: organizationId }, mode: "debug" });
    await acknowledged(organizationId);
    advanceMs(60_000);
    expect((await object.claimEffect({ organizationId, effectId })).kind).toBe("claimed");
  });

  test("a slice is told that its job is debugged, be it the job alone", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    const first = await claim(await nextJobMessage(organizationId));
    expect(first.isDebugged).toBe(false);
    const { id: value } = first.job;
    await setSwitch({ scope: { kind: "job", value, organizationId }, mode: "debug" });
    await acknowledged(organizationId);
    const slice = { organizationId, jobId: value, epoch: first.epoch };
    await objectOf(organizationId).yieldSlice(slice);
    expect((await claim(await nextJobMessage(organizationId, 1))).isDebugged).toBe(true);
  });

  test("a running slice is told at its next checkpoint that its job is debugged now, and which tools are off", async () => {
    const organizationId = await newOrganization();
    await submitNow(organizationId);
    const work = await claim(await nextJobMessage(organizationId));
    const told = async (number: number) =>
      objectOf(organizationId).checkpoint(checkpointOf(work, { steps: [modelStep(work, number)] }));
    expect(await told(1)).toEqual({ accepted: true, unheard: [], toolsOff: [], isDebugged: false });
    await setSwitch({ scope: { kind: "agent", value: agentType }, mode: "debug" });
    await setSwitch({ scope: { kind: "tool", value: "search_code" }, mode: "off" });
    await acknowledged(organizationId);
    expect(await told(2)).toEqual({ accepted: true, unheard: [], toolsOff: ["search_code"], isDebugged: true });
  });

  test("debug lets jobs that it concerns run one at a time", async () => {
    const organizationId = await newOrganization();
    await setSwitch({ scope: { kind: "agent", value: agentType }, mode: "debug" });
    await submitNow(organizationId);
    await submitNow(organizationId);
    await submitNow(organizationId, { requestedAgentType: "briefs.other" });
    await waitFor(() => jobMessages(organizationId).length === 2);
    await waitFor(async () => (await platform().readStatus()).demand === 0);
    expect(await platform().readStatus()).toMatchObject({ slotsInUse: 2 });
    await runJob(organizationId, 0, done);
    await nextJobMessage(organizationId, 2);
  });
});

test("a switch is set once under an idempotency key, and another request under it is refused", async () => {
  const scope = { kind: "organization", value: mintOrganizationId() } as const;
  const command = { scope, mode: "hold", actor: root, reason: "Once.", expiresAtMs: null } as const;
  const idempotency = { key: "once", requestHash: "a" };
  const first = await platform().setSwitch({ ...command, idempotency });
  const again = await platform().setSwitch({ ...command, idempotency });
  expect(first).toMatchObject({ ok: true, value: { replayed: false } });
  expect(again).toEqual({ ok: true, value: { ...(first.ok ? first.value : {}), replayed: true } });
  const other = await platform().setSwitch({ ...command, idempotency: { ...idempotency, requestHash: "b" } });
  expect(other).toMatchObject({ ok: false, failure: { code: "idempotency_key_reused" } });
  expect(await platform().readSwitches(scope.value)).toHaveLength(1);
});
