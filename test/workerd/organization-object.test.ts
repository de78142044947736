import { evictAllDurableObjects, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ModelName } from "../../src/contracts/models.ts";
import type { FailCommand } from "../../src/contracts/organization-rpc.ts";
import { effectMessageSchema } from "../../src/contracts/queue-messages.ts";
import type { JobRecord } from "../../src/contracts/records.ts";
import { receivedMessages } from "./received-messages.ts";
import {
  allEvents,
  asking,
  bringToReview,
  changedFiles,
  checkpointOf,
  claim,
  codeChange,
  everything,
  expectNoGaps,
  failureOf,
  jobMessages,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  promptOver,
  repository,
  runJob,
  saying,
  submit,
  submitCommand,
  termsFor,
  triage,
  triaged,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

// The platform's slots are shared, so what a test leaves running must not keep the next one waiting.
afterEach(reset);

const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const administrator = {
  decidedBy: "ada",
  actingAs: ["organization", "platform"] as const,
  deciderIds: [],
  note: null,
};

async function effectMessage(organizationId: string, seen = 0) {
  return vi.waitUntil(() =>
    receivedMessages()
      .filter(({ queue }) => queue === "agent-effects")
      .map(({ body }) => effectMessageSchema.parse(body))
      .filter((message) => message.organizationId === organizationId)
      .at(seen),
  );
}

describe("the way of one issue", () => {
  test("goes from submission through triage, work, review and approval to a pull request", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const receipt = await submit(organizationId);
    expect(receipt).toMatchObject({ status: "QUEUED", position: 0 });
    const { issueId } = receipt;
    const ref = { organizationId, issueId, visibility: everything };

    const triageJob = await runJob(organizationId, 0, triaged);
    expect(triageJob.job).toMatchObject({ role: "triage", agentType: "meta.triage", model: "haiku", attempts: 1 });

    const work = await claim(await nextJobMessage(organizationId, 1));
    expect(work.job).toMatchObject({ role: "work", agentType: triage.agent, model: "sonnet", priority: 5 });
    expect(work).toMatchObject({ slug: "acme", repository, workspace: [], workspaceBase: null, underReview: null });
    expect(work.attempt).toEqual({ number: 1, prompt: null, messages: [], stepCount: 0, lastUsage: null });
    const prompt = promptOver({ baseCommit: "c0ffee", baseBranch: "main" });
    const slice = { organizationId, jobId: work.job.id, epoch: work.epoch };
    await organization.beginAttempt({ ...slice, attempt: 1, prompt, firstMessage: "first" });
    await organization.checkpoint(
      checkpointOf(work, {
        steps: [modelStep(work, 1, 250), modelStep(work, 2, 50)],
        appendedMessages: ["second", "third"],
        workspace: changedFiles,
        logs: [{ level: "INFO", message: "edited", data: null }],
      }),
    );
    expect((await organization.readIssue(ref))?.issue).toMatchObject({ status: "PROCESSING", costMicroUsd: 300 });
    await organization.finish({ ...slice, outcome: { role: "work", summary: "Fixed." }, artifacts: [codeChange()] });

    const review = await claim(await nextJobMessage(organizationId, 2));
    expect(review.job).toMatchObject({ role: "review", agentType: "meta.review", model: "sonnet" });
    expect(review.underReview).toMatchObject({ content: codeChange().content, diffPatch: codeChange().diffPatch });
    await organization.finish({
      organizationId,
      jobId: review.job.id,
      epoch: review.epoch,
      outcome: { role: "review", decision: "pass", summary: "Good." },
      artifacts: [],
    });

    const waiting = await organization.readIssue(ref);
    expect(waiting?.issue).toMatchObject({ status: "REVIEW", triage });
    expect(waiting?.jobs.map(({ status }) => status)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
    const [open] = waiting?.reviews ?? [];
    expect(open).toMatchObject({ status: "OPEN", approver: "platform", agentVerdict: { decision: "pass" } });
    if (open === undefined) return;
    const decision = { organizationId, reviewId: open.id, decision: "approve", contentHash: open.contentHash } as const;
    const approved = await organization.decideReview({ ...decision, ...administrator });
    expect(approved).toMatchObject({ ok: true, value: { status: "APPROVED", decidedBy: "ada" } });
    expect((await organization.readIssue(ref))?.issue.status).toBe("PROCESSING");

    const { effectId } = await effectMessage(organizationId);
    const effect = await organization.claimEffect({ organizationId, effectId });
    expect(effect).toMatchObject({
      kind: "claimed",
      epoch: 1,
      issueId,
      plan: {
        repository,
        baseBranch: "main",
        baseCommit: "c0ffee",
        branch: `agent/org-${organizationId}/${issueId}`,
        files: changedFiles,
      },
    });
    expect(await organization.claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
    const result = { number: 7, url: "https://github.test/pull/7", branch: "b", commit: "beef" };
    await organization.finishEffect({ organizationId, effectId, epoch: 1, outcome: { kind: "completed", result } });

    const done = await organization.readIssue(ref);
    expect(done?.issue.status).toBe("COMPLETED");
    expect(done?.effects).toMatchObject([{ status: "COMPLETED", attempts: 1, result }]);
    const all = { ...ref, after: null, limit: 10 };
    const artifacts = await organization.listArtifacts(all);
    expect(artifacts?.items.map(({ artifact }) => artifact.type)).toEqual(["CODE_CHANGE", "PULL_REQUEST"]);
    expect(artifacts?.more).toBe(false);
    const steps = await organization.listSteps(all);
    expect(steps?.items).toHaveLength(2);
    const first = await organization.listSteps({ ...all, limit: 1 });
    expect(first).toEqual({ items: steps?.items.slice(0, 1), more: true });
    const rest = await organization.listSteps({ ...all, after: first?.items[0] ?? null });
    expect(rest).toEqual({ items: steps?.items.slice(1), more: false });
    expect(await organization.listArtifacts({ ...all, after: artifacts?.items[0]?.artifact.id ?? null })).toMatchObject(
      {
        items: [{ artifact: { type: "PULL_REQUEST" } }],
      },
    );
    expect(await organization.listLogs(all)).toMatchObject({ items: [{ message: "edited" }], more: false });

    const events = await allEvents(organizationId);
    expectNoGaps(events);
    const statuses = events.flatMap((event) => (event.type === "issue.status_changed" ? event.data.status : []));
    expect(statuses).toEqual([
      "PROCESSING",
      "QUEUED",
      "PROCESSING",
      "QUEUED",
      "PROCESSING",
      "REVIEW",
      "PROCESSING",
      "COMPLETED",
    ]);
  });

  test("survives the eviction of all objects between any two calls", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const message = await nextJobMessage(organizationId);
    await evictAllDurableObjects();
    const assignment = await claim(message);
    await evictAllDurableObjects();
    expect(
      await objectOf(organizationId).checkpoint(checkpointOf(assignment, { steps: [modelStep(assignment, 1)] })),
    ).toMatchObject({ accepted: true, unheard: [] });
    await evictAllDurableObjects();
    const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({ issue: { status: "PROCESSING" }, stepCount: 1 });
    expectNoGaps(await allEvents(organizationId));
  });
});

describe("admission", () => {
  test("refuses with a code and a time, and leaves no trace", async () => {
    const organizationId = mintOrganizationId();
    const limits = { ...termsFor(organizationId).limits, issuesPerHour: 2 };
    const terms = { ...termsFor(organizationId), limits };
    await submit(organizationId, { terms });
    await submit(organizationId, { terms });
    const before = (await allEvents(organizationId)).length;
    const refused = await objectOf(organizationId).submit(submitCommand(organizationId, { terms }));
    expect(refused).toMatchObject({ ok: false, failure: { code: "rate_limited", retryAfterSeconds: 3_600 } });
    const events = await allEvents(organizationId);
    expect(events.filter(({ type }) => type === "issue.submitted")).toHaveLength(2);
    expect(before).toBeGreaterThan(0);
  });

  test("begins with the named agent's work", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const { job } = await claim(await nextJobMessage(organizationId));
    expect(job).toMatchObject({ role: "work", agentType: "briefs.status-workflow", model: "sonnet" });
  });
});

describe("claims and epochs", () => {
  test("a dispatch is claimed once, and a foreign dispatch id never", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const message = await nextJobMessage(organizationId);
    const other = { ...message, dispatchId: "dsp_other" };
    expect(await objectOf(organizationId).claim(other)).toEqual({ kind: "stale" });
    const { epoch } = await claim(message);
    expect(epoch).toBe(1);
    expect(await objectOf(organizationId).claim(message)).toEqual({ kind: "stale" });
  });

  test("an unclaimed dispatch is sent again under the same id", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const first = await nextJobMessage(organizationId);
    advanceMs(31_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await nextJobMessage(organizationId, 1)).toEqual(first);
    await claim(first);
    expect(await objectOf(organizationId).claim(first)).toEqual({ kind: "stale" });
  });

  test("an expired lease gives the job a new epoch in the same slot, and the old one may do nothing", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    await submit(organizationId);
    const zombie = await claim(await nextJobMessage(organizationId));
    const ref = { organizationId, jobId: zombie.job.id, epoch: zombie.epoch };
    advanceMs(16_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({ epoch: 2, job: { attempts: 1, status: "RUNNING" } });

    const refused = { accepted: false };
    expect(await organization.renewLease(ref)).toEqual(refused);
    expect(await organization.checkpoint(checkpointOf(zombie, { steps: [modelStep(zombie, 1)] }))).toEqual(refused);
    expect(await organization.yieldSlice(ref)).toEqual(refused);
    expect(await organization.finish({ ...ref, outcome: triaged, artifacts: [] })).toEqual(refused);
    expect(await organization.control({ ...ref, known: "none" })).toEqual({ kind: "stale" });
    const error = { reason: "x", message: "x" };
    expect(await organization.fail({ ...ref, failureClass: "final", error, retryAfterMs: null })).toEqual(refused);

    const dispatches = (await allEvents(organizationId)).flatMap((event) =>
      event.type === "job.dispatched" ? event.data.slotNumber : [],
    );
    expect(dispatches).toHaveLength(2);
    expect(new Set(dispatches).size).toBe(1);
  });

  test("a renewed lease does not expire", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    const ref = { organizationId, jobId: job.id, epoch };
    advanceMs(10_000);
    expect(await objectOf(organizationId).renewLease(ref)).toEqual({ accepted: true });
    advanceMs(10_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await objectOf(organizationId).renewLease(ref)).toEqual({ accepted: true });
  });

  test("a waiting control call is answered as soon as its slice is over", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    const ref = { organizationId, jobId: job.id, epoch };
    const signal = objectOf(organizationId).control({ ...ref, known: "none" });
    await objectOf(organizationId).yieldSlice(ref);
    expect(await signal).toEqual({ kind: "stale" });
    const next = await claim(await nextJobMessage(organizationId, 1));
    expect(next).toMatchObject({ epoch: 2, attempt: { number: 1 } });
  });
});

describe("attempts and checkpoints", () => {
  test("repeating an accepted checkpoint or prompt changes nothing", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    await submit(organizationId);
    const assignment = await claim(await nextJobMessage(organizationId));
    const prompt = promptOver({ baseCommit: null, baseBranch: null });
    const begin = {
      organizationId,
      jobId: assignment.job.id,
      epoch: assignment.epoch,
      attempt: 1,
      prompt,
      firstMessage: "first",
    };
    await organization.beginAttempt(begin);
    await organization.beginAttempt(begin);
    const withStep = checkpointOf(assignment, { steps: [modelStep(assignment, 1)], appendedMessages: ["second"] });
    const withoutStep = checkpointOf(assignment, { appendedMessages: ["reminder"] });
    for (const checkpoint of [withStep, withStep, withoutStep, withoutStep]) {
      expect(await organization.checkpoint(checkpoint)).toMatchObject({ accepted: true, unheard: [] });
    }
    await organization.yieldSlice(begin);
    const next = await claim(await nextJobMessage(organizationId, 1));
    expect(next.attempt).toEqual({
      number: 1,
      prompt,
      messages: ["first", "second", "reminder"],
      stepCount: 1,
      lastUsage: withStep.steps[0]?.usage,
    });
    expect(next.job.costMicroUsd).toBe(100);
    expectNoGaps(await allEvents(organizationId));
  });

  test("a permanent failure begins a new attempt with the same workspace, and the last one fails the issue", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId, {
      requestedAgentType: "briefs.status-workflow",
      terms: termsFor(organizationId, { models: ["haiku", "sonnet", "opus"] }),
    });
    const error = { reason: "stuck", message: "The agent went round in circles." };
    for (const attempt of [1, 2, 3]) {
      const assignment = await claim(await nextJobMessage(organizationId, attempt - 1));
      expect(assignment.attempt).toMatchObject({ number: attempt, messages: [], prompt: null });
      expect(assignment.workspace).toEqual(attempt === 1 ? [] : changedFiles);
      expect(assignment.lastAttempt).toEqual(
        attempt === 1 ? null : { error, steps: [{ ...modelStep(assignment, 1), attempt: attempt - 1 }] },
      );
      const ref = { organizationId, jobId: assignment.job.id, epoch: assignment.epoch };
      const appendedMessages = [saying(`Attempt ${attempt}.`), asking("And now?")];
      await organization.checkpoint(
        checkpointOf(assignment, { steps: [modelStep(assignment, 1)], workspace: changedFiles, appendedMessages }),
      );
      await organization.fail({ ...ref, failureClass: "permanent", error, retryAfterMs: null });
    }
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({
      issue: { status: "FAILED" },
      jobs: [{ status: "FAILED", attempts: 3, error, model: "opus" }],
      reviews: [],
    });
    const left = await organization.listArtifacts({
      organizationId,
      issueId,
      visibility: everything,
      after: null,
      limit: 10,
    });
    expect(left?.items).toMatchObject([{ artifact: { name: "Partial work", metadata: { reason: "stuck" } } }]);
    expect(left?.items[0]?.content).toContain("Attempt 3.");
    const events = await allEvents(organizationId);
    expect(events.flatMap(({ type, data }) => (type === "job.model_changed" ? [data] : []))).toEqual([
      { model: "opus", modelReason: "one model up after attempt 1 on sonnet failed", maxAttempts: 3 },
    ]);
  });

  test("a transient failure waits, keeps its attempt, and gives a slot back that it would hold idle", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId);
    const first = await claim(await nextJobMessage(organizationId));
    const error = { reason: "overloaded", message: "529" };
    await organization.fail({
      organizationId,
      jobId: first.job.id,
      epoch: first.epoch,
      failureClass: "transient",
      error,
      retryAfterMs: 60_000,
    });
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({ issue: { status: "QUEUED" }, waitingFor: "retry_delay" });
    advanceMs(61_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    const second = await claim(await nextJobMessage(organizationId, 1));
    expect(second).toMatchObject({ epoch: 2, job: { attempts: 1 } });
  });
});

describe("a model that stays out of reach", () => {
  const unreachable = { failureClass: "transient", error: { reason: "overloaded", message: "529" } } as const;

  /** Lets the organization's next slices fail one after the other, each in its way. */
  async function failing(
    organizationId: string,
    faults: readonly Partial<FailCommand>[],
    seen = 0,
  ): Promise<JobRecord> {
    for (const [index, fault] of faults.entries()) {
      const { job, epoch } = await claim(await nextJobMessage(organizationId, seen + index));
      const ref = { organizationId, jobId: job.id, epoch };
      const failure = { ...ref, ...unreachable, retryAfterMs: 60_000, isModelFault: true, ...fault };
      expect(await objectOf(organizationId).fail(failure)).toEqual({ accepted: true });
      if (index < faults.length - 1) await passBackOff(organizationId);
    }
    const issue = (await allEvents(organizationId))[0]?.issueId ?? "";
    const detail = await objectOf(organizationId).readIssue({ organizationId, issueId: issue, visibility: everything });
    const [job] = detail?.jobs ?? [];
    if (job === undefined) throw new Error("the job is gone");
    return job;
  }

  async function passBackOff(organizationId: string): Promise<void> {
    advanceMs(61_000);
    await runDurableObjectAlarm(stubOf(organizationId));
  }

  async function start(models: readonly ModelName[] = ["haiku", "sonnet"]): Promise<string> {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { models: [...models] });
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow", terms });
    return organizationId;
  }

  async function putOutOfReach(
    organizationId: string,
    status: "open" | "half_open",
    models: readonly ModelName[] = ["sonnet"],
    version = 2,
  ): Promise<void> {
    const since = { sinceMs: 0, probeAtMs: testClock.nowMs() + 600_000 };
    const breakers = models.map((model) => ({ model, status, ...since }));
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId), version, breakers });
  }

  const toHaiku = { fallbackModel: "haiku" } as const;
  const troubleOf = (organizationId: string) =>
    runInDurableObject(stubOf(organizationId), (_object, { storage }) =>
      storage.sql
        .exec(
          `SELECT state ->> '$.transientFailures' AS failures, state ->> '$.transientSinceMs' AS since,
             (SELECT COUNT(*) FROM deadlines WHERE name LIKE 'provider:%') AS deadlines FROM jobs`,
        )
        .one(),
    );

  test("hands a job over to the agent's fall-back model, in a new attempt that uses up none", async () => {
    const organizationId = await start();
    expect(await failing(organizationId, [toHaiku, toHaiku])).toMatchObject({ model: "sonnet", attempts: 1 });
    await passBackOff(organizationId);
    const modelReason = "haiku because sonnet is out of reach";
    const handedOver = { model: "haiku", modelReason, maxAttempts: 4 };
    expect(await failing(organizationId, [toHaiku], 2)).toMatchObject({
      ...handedOver,
      status: "PENDING",
      attempts: 1,
    });
    expect(await troubleOf(organizationId)).toEqual({ failures: 0, since: null, deadlines: 0 });
    const told = (await allEvents(organizationId)).flatMap(({ type, data }) =>
      type === "job.model_changed" ? [data] : [],
    );
    expect(told).toEqual([handedOver]);

    const { job, epoch, attempt } = await claim(await nextJobMessage(organizationId, 3));
    expect(job).toMatchObject({ ...handedOver, attempts: 2 });
    expect(attempt).toMatchObject({ number: 2, prompt: null, messages: [] });
    const ref = { organizationId, jobId: job.id, epoch };
    await objectOf(organizationId).fail({
      ...ref,
      ...unreachable,
      ...toHaiku,
      isModelFault: true,
      retryAfterMs: 60_000,
    });
    await passBackOff(organizationId);
    // It is on its fall-back model: there is no other to go to, however often it fails.
    expect(await failing(organizationId, [toHaiku, toHaiku, toHaiku], 4)).toMatchObject({
      model: "haiku",
      attempts: 2,
    });
  });

  test("keeps a job that may not use the other model, or that something else than its model failed", async () => {
    const confined = await start();
    const opus = { fallbackModel: "opus" } as const;
    expect(await failing(confined, [opus, opus, opus, opus])).toMatchObject({ model: "sonnet", attempts: 1 });
    await reset();
    const elsewhere = await start();
    const gitHub = {
      ...toHaiku,
      isModelFault: false,
      error: { reason: "github_unavailable", message: "502" },
    } as const;
    expect(await failing(elsewhere, [gitHub, gitHub, gitHub, gitHub])).toMatchObject({ model: "sonnet", attempts: 1 });
  });

  test.each(["open", "half_open"] as const)("is left at once while its breaker is %s", async (status) => {
    const organizationId = await start();
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    await putOutOfReach(organizationId, status);
    const ref = { organizationId, jobId: job.id, epoch };
    await objectOf(organizationId).fail({ ...ref, ...unreachable, ...toHaiku, isModelFault: true, retryAfterMs: null });
    expect((await claim(await nextJobMessage(organizationId, 1))).job).toMatchObject({ model: "haiku", attempts: 2 });
  });

  test("is not left for one that is out of reach as well, until that is back", async () => {
    const organizationId = await start();
    await putOutOfReach(organizationId, "half_open", ["haiku"]);
    expect(await failing(organizationId, [toHaiku, toHaiku, toHaiku])).toMatchObject({ model: "sonnet", attempts: 1 });
    await putOutOfReach(organizationId, "open", ["haiku", "sonnet"], 3);
    await passBackOff(organizationId);
    expect(await troubleOf(organizationId)).toMatchObject({ failures: 3, deadlines: 1 });
    expect(jobMessages(organizationId)).toHaveLength(3);
    await putOutOfReach(organizationId, "half_open", ["haiku", "sonnet"], 4);
    const { job, epoch } = await claim(await nextJobMessage(organizationId, 3));
    await putOutOfReach(organizationId, "open", ["sonnet"], 5);
    const ref = { organizationId, jobId: job.id, epoch };
    await objectOf(organizationId).fail({ ...ref, ...unreachable, ...toHaiku, isModelFault: true, retryAfterMs: null });
    expect((await claim(await nextJobMessage(organizationId, 4))).job).toMatchObject({ model: "haiku", attempts: 2 });
  });

  test("is left by a job whose back-off ends while the breaker is open, and held for one without another model", async () => {
    const organizationId = await start();
    await failing(organizationId, [toHaiku]);
    await putOutOfReach(organizationId, "open");
    await passBackOff(organizationId);
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again.job).toMatchObject({ model: "haiku", attempts: 2, maxAttempts: 4, error: { reason: "overloaded" } });
    await reset();

    const without = await start();
    const { issueId } = await failing(without, [{}]);
    await putOutOfReach(without, "open");
    await passBackOff(without);
    const query = { organizationId: without, issueId, visibility: everything };
    expect(await objectOf(without).readIssue(query)).toMatchObject({
      waitingFor: "provider_back_off",
      jobs: [{ model: "sonnet" }],
    });
    expect(jobMessages(without)).toHaveLength(1);
  });
});

describe("review", () => {
  test("work that review sends back once is done again over the same workspace, then a person decides", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const work = await claim(await nextJobMessage(organizationId));
    await organization.beginAttempt({
      organizationId,
      jobId: work.job.id,
      epoch: work.epoch,
      attempt: 1,
      prompt: promptOver({ baseCommit: "c0ffee", baseBranch: "main" }),
      firstMessage: "first",
    });
    await organization.checkpoint(checkpointOf(work, { steps: [modelStep(work, 1)], workspace: changedFiles }));
    await organization.finish({
      organizationId,
      jobId: work.job.id,
      epoch: work.epoch,
      outcome: { role: "work", summary: "Fixed." },
      artifacts: [codeChange()],
    });
    const sendBack = { role: "review", decision: "send_back", summary: "A test is missing." } as const;
    await runJob(organizationId, 1, sendBack);
    const again = await runJob(organizationId, 2, { role: "work", summary: "Added it." }, [codeChange()]);
    expect(again.job).toMatchObject({
      role: "work",
      retryOf: work.job.id,
      config: { reviewNote: "A test is missing." },
    });
    expect(again.workspace).toEqual(changedFiles);
    expect(again.workspaceBase).toEqual({ commit: "c0ffee", branch: "main" });
    await runJob(organizationId, 3, sendBack);
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({
      issue: { status: "REVIEW" },
      reviews: [{ status: "OPEN", agentVerdict: { decision: "send_back" } }],
    });
  });

  test("is refused to the submitter, to the wrong kind of approver and for other content, and is taken once", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { reviewId, contentHash } = await bringToReview(organizationId);
    const approve = { organizationId, reviewId, decision: "approve", contentHash, ...administrator } as const;
    const failing = async (changes: object) => organization.decideReview({ ...approve, ...changes });
    expect(await failing({ deciderIds: ["user-1"] })).toMatchObject({ failure: { code: "forbidden" } });
    expect(await failing({ actingAs: ["organization"] })).toMatchObject({ failure: { code: "forbidden" } });
    expect(await failing({ contentHash: "0".repeat(64) })).toMatchObject({ failure: { code: "conflict" } });
    expect(await failing({ reviewId: "rev_foreign" })).toMatchObject({ failure: { code: "not_found" } });
    const first = await organization.decideReview(approve);
    expect(await organization.decideReview(approve)).toEqual(first);
    expect(await failing({ decision: "reject" })).toMatchObject({ failure: { code: "conflict" } });
    expect(await failing({ decidedBy: "bob" })).toMatchObject({ failure: { code: "conflict" } });
    const created = (await allEvents(organizationId)).filter(({ type }) => type === "effect.created");
    expect(created).toHaveLength(1);
  });

  test("rejected or expired, it cancels the issue", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await bringToReview(organizationId);
    advanceMs(14 * 24 * 60 * 60_000 + 1);
    await runDurableObjectAlarm(stubOf(organizationId));
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({ issue: { status: "CANCELLED" }, reviews: [{ status: "EXPIRED" }] });
  });

  test("a change of a path that no agent may touch fails the job", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const files = [{ path: ".github/workflows/ci.yml", content: "on: push" }];
    const { issue } = await runJob(organizationId, 0, { role: "work", summary: "Done." }, [codeChange({ files })]);
    const detail = await objectOf(organizationId).readIssue({
      organizationId,
      issueId: issue.id,
      visibility: everything,
    });
    expect(detail).toMatchObject({ issue: { status: "FAILED" }, jobs: [{ error: { reason: "refused_path" } }] });
  });
});

describe("effects", () => {
  test("are sent again, under the same id, until somebody claims them", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { reviewId, contentHash } = await bringToReview(organizationId);
    await organization.decideReview({ organizationId, reviewId, decision: "approve", contentHash, ...administrator });
    const first = await effectMessage(organizationId);
    advanceMs(31_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await effectMessage(organizationId, 1)).toEqual(first);
    const { effectId } = first;
    await organization.claimEffect({ organizationId, effectId });
    const error = { reason: "forbidden", message: "403" };
    await organization.finishEffect({ organizationId, effectId, epoch: 1, outcome: { kind: "permanent", error } });
    const failed = (await allEvents(organizationId)).at(-1);
    expect(failed).toMatchObject({ type: "issue.status_changed", data: { status: "FAILED" } });
  });

  test("are tried again after a transient fault and taken from a silent delivery, and fail for good after eight tries", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId, reviewId, contentHash } = await bringToReview(organizationId);
    await organization.decideReview({ organizationId, reviewId, decision: "approve", contentHash, ...administrator });
    const { effectId } = await effectMessage(organizationId);
    const error = { reason: "unavailable", message: "503" };
    for (const attempt of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const effect = await organization.claimEffect({ organizationId, effectId });
      expect(effect).toMatchObject({ kind: "claimed", epoch: attempt });
      const ref = { organizationId, effectId, epoch: attempt };
      const isSilent = attempt === 2;
      if (isSilent) {
        advanceMs(16_000);
        await runDurableObjectAlarm(stubOf(organizationId));
      }
      expect(await organization.renewEffect(ref)).toEqual({ accepted: !isSilent });
      const outcome = { kind: "transient", error, retryAfterMs: null } as const;
      expect(await organization.finishEffect({ ...ref, outcome })).toEqual({ accepted: !isSilent });
      expect(await organization.claimEffect({ organizationId, effectId })).toEqual({ kind: "stale" });
      advanceMs(10 * 60_000);
    }
    const detail = await organization.readIssue({ organizationId, issueId, visibility: everything });
    expect(detail).toMatchObject({ issue: { status: "FAILED" }, effects: [{ status: "FAILED", attempts: 8, error }] });
  });
});

describe("tenancy", () => {
  test("a call for another organization is a fault, and foreign or hidden issues do not exist", async () => {
    const [mine, theirs] = [mintOrganizationId(), mintOrganizationId()];
    const { issueId } = await submit(mine);
    const foreign = { organizationId: theirs, issueId, visibility: everything, after: null, limit: 10 };
    expect(await objectOf(theirs).readIssue(foreign)).toBeNull();
    expect(await objectOf(theirs).listSteps(foreign)).toBeNull();
    expect(await objectOf(theirs).listLogs(foreign)).toBeNull();
    expect(await objectOf(theirs).listArtifacts(foreign)).toBeNull();
    expect(await failureOf(() => objectOf(theirs).readIssue({ ...foreign, organizationId: mine }))).toContain(
      "another",
    );

    const own = (userId: string) => ({ kind: "own", userIds: [userId] }) as const;
    const seenBy = async (userId: string) =>
      objectOf(mine).readIssue({ organizationId: mine, issueId, visibility: own(userId) });
    expect(await seenBy("user-1")).not.toBeNull();
    expect(await seenBy("user-2")).toBeNull();
  });

  test("two organizations run side by side, each with its own numbers", async () => {
    const organizationIds = [mintOrganizationId(), mintOrganizationId()];
    for (const organizationId of organizationIds) await submit(organizationId);
    const assignments = await Promise.all(
      organizationIds.map(async (organizationId) => claim(await nextJobMessage(organizationId))),
    );
    expect(assignments.map(({ issue }) => issue.organizationId)).toEqual(organizationIds);
    for (const organizationId of organizationIds) {
      const events = await allEvents(organizationId);
      expectNoGaps(events);
      expect(new Set(events.map(({ issueId }) => issueId)).size).toBe(1);
    }
  });
});

describe("projection", () => {
  test("hints once, lists what Postgres lacks, and is quiet when it has everything", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    await runJob(organizationId, 0, { role: "work", summary: "Nothing to change." });
    const hints = () =>
      receivedMessages().filter(
        ({ queue, body }) => queue === "agent-records" && JSON.stringify(body).includes(organizationId),
      );
    await vi.waitUntil(() => hints().length > 0);
    expect(hints()).toHaveLength(1);

    const query = { organizationId, visibility: everything, filter: {}, before: null, limit: 10 };
    expect(await organization.listUnprojected(query)).toMatchObject({
      matching: [{ id: issueId, status: "COMPLETED" }],
      replacedIds: [issueId],
    });
    const filtered = await organization.listUnprojected({ ...query, filter: { status: ["QUEUED"] } });
    expect(filtered).toEqual({ matching: [], replacedIds: [issueId], through: null });
    // Postgres cannot list what is excluded by something that never changes.
    const another = await organization.listUnprojected({ ...query, filter: { type: ["DEPLOYMENT"] } });
    expect(another).toEqual({ matching: [], replacedIds: [], through: null });

    const page = await organization.readEvents({ organizationId, after: null, limit: 3 });
    expect(page.events).toHaveLength(3);
    const rest = await organization.readEvents({
      organizationId,
      after: { incarnation: page.incarnation, seq: 3 },
      limit: 1_000,
    });
    expect(rest.events.at(0)?.seq).toBe(4);
    expect(rest.events.at(-1)?.seq).toBe(page.lastSeq);
    await organization.confirmProjected({ organizationId, incarnation: page.incarnation, seq: page.lastSeq });
    expect(await organization.listUnprojected(query)).toEqual({ matching: [], replacedIds: [], through: null });
  });

  test("an organization with nothing left to do sleeps until its events are old enough to go", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    await runJob(organizationId, 0, { role: "work", summary: "Nothing to change." });
    const { incarnation, lastSeq } = await organization.readEvents({ organizationId, after: null, limit: 1 });
    await organization.confirmProjected({ organizationId, incarnation, seq: lastSeq });
    const daysToAlarm = () =>
      runInDurableObject(stubOf(organizationId), async (_object, { storage }) => {
        const alarmMs = await storage.getAlarm();
        return alarmMs === null ? null : (alarmMs - testClock.nowMs()) / (24 * 60 * 60 * 1_000);
      });
    await vi.waitUntil(async () => ((await daysToAlarm()) ?? 0) > 6.9);
    expect(await daysToAlarm()).toBeLessThan(7.1);
    expect(jobMessages(organizationId)).toHaveLength(1);
  });
});
