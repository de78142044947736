/** Replaying an attempt from a step, and exporting what it said: in the object, as edge and consumers would. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Assignment, ReplayOrder } from "../../src/contracts/organization-rpc.ts";
import { effectMessageSchema } from "../../src/contracts/queue-messages.ts";
import {
  bringToReview,
  checkpointOf,
  claim,
  codeChange,
  everything,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  promptOver,
  runJob,
  submit,
} from "./organization-driver.ts";
import { receivedMessages } from "./received-messages.ts";
import { advanceMs } from "./test-clock.ts";

// The platform's slots are shared, so what a test leaves running must not keep the next one waiting.
afterEach(reset);

const prompt = promptOver({ baseCommit: "c0ffee", baseBranch: "main" });
const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);

function sliceOf({ issue, job, epoch }: Assignment) {
  return { organizationId: issue.organizationId, jobId: job.id, epoch };
}

async function read(organizationId: string, issueId: string) {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (detail === null) throw new Error("the issue is gone");
  return detail;
}

function replay(organizationId: string, issueId: string, change: Partial<ReplayOrder> & { fromStep: number }) {
  // Whatever ended at the very moment of a replay would still count.
  advanceMs(1_000);
  return objectOf(organizationId).commandIssue({
    organizationId,
    issueId,
    visibility: everything,
    authority: everything,
    command: "retry",
    actor: "ada",
    reason: null,
    replay: { jobId: null, attempt: null, model: null, note: null, ...change },
  });
}

/** Two turns of a model with a file changed in each, then a finished job: steps 1 to 4. */
async function workedIssue(organizationId: string) {
  const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
  const work = await claim(await nextJobMessage(organizationId));
  const object = objectOf(organizationId);
  await object.beginAttempt({ ...sliceOf(work), attempt: 1, prompt, firstMessage: "first" });
  const tool = (number: number) => ({ ...modelStep(work, number, 0), kind: "tool" as const, name: "edit_file" });
  const file = (content: string) => [{ path: "a.ts", content }];
  const turns = [
    { steps: [modelStep(work, 1)], appendedMessages: ["call 1"] },
    { steps: [tool(2)], appendedMessages: ["result 1"], workspace: file("one") },
    { steps: [modelStep(work, 3)], appendedMessages: ["call 2"] },
    { steps: [tool(4)], appendedMessages: ["result 2"], workspace: [...file("two"), { path: "b.ts", content: null }] },
  ];
  for (const turn of turns) await object.checkpoint(checkpointOf(work, turn));
  await object.finish({ ...sliceOf(work), outcome: { role: "work", summary: "Done." }, artifacts: [] });
  return { issueId, work };
}

describe("a replay", () => {
  test("on the same model goes on from the very bytes before the step, over the files as they were", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work } = await workedIssue(organizationId);
    const outcome = await replay(organizationId, issueId, { fromStep: 4, note: "Mind the tests." });
    expect(outcome).toMatchObject({ ok: true, value: { issue: { status: "QUEUED" } } });
    expect(await replay(organizationId, issueId, { fromStep: 4, note: "Mind the tests." })).toMatchObject({ ok: true });
    expect((await read(organizationId, issueId)).jobs).toHaveLength(2);
    expect(await replay(organizationId, issueId, { fromStep: 2 })).toMatchObject({
      ok: false,
      failure: { code: "conflict" },
    });

    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({
      job: {
        retryOf: work.job.id,
        model: work.job.model,
        attempts: 1,
        config: { replay: { jobId: work.job.id, attempt: 1, step: 4 } },
      },
      attempt: { number: 1, prompt, messages: ["first", "call 1", "result 1", "call 2"], stepCount: 0 },
      workspace: [{ path: "a.ts", content: "one" }],
      workspaceBase: { commit: "c0ffee", branch: "main" },
      lastAttempt: null,
      conversation: { messages: [{ text: "Mind the tests.", author: "ada", heardByJobId: null }] },
    });
    // A replay of the replay begins from what it began with.
    const next = checkpointOf(again, { steps: [modelStep(again, 1)], appendedMessages: ["call 3"] });
    await objectOf(organizationId).checkpoint({
      ...next,
      heardMessageIds: again.conversation.messages.map(({ id }) => id),
    });
    await objectOf(organizationId).finish({
      ...sliceOf(again),
      outcome: { role: "work", summary: "Again." },
      artifacts: [],
    });
    expect((await read(organizationId, issueId)).issue.status).toBe("COMPLETED");
    await replay(organizationId, issueId, { fromStep: 1 });
    expect((await claim(await nextJobMessage(organizationId, 2))).attempt.messages).toEqual(again.attempt.messages);
  });

  test("in the middle of a turn's calls does the whole turn again, and from the first step everything", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await workedIssue(organizationId);
    await replay(organizationId, issueId, { fromStep: 1 });
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({
      attempt: { messages: ["first"] },
      workspace: [],
      workspaceBase: { commit: "c0ffee" },
    });
  });

  test("on another model gets a new transcript, the files of the step and what led there", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work } = await workedIssue(organizationId);
    expect(await replay(organizationId, issueId, { fromStep: 3, model: "opus" })).toMatchObject({
      ok: false,
      failure: { code: "model_not_allowed", field: "model" },
    });
    const model = work.job.model === "haiku" ? "sonnet" : "haiku";
    expect(await replay(organizationId, issueId, { fromStep: 3, model })).toMatchObject({ ok: true });
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({
      job: { model, modelReason: "replayed from step 3" },
      attempt: { number: 1, prompt: null, messages: [] },
      workspace: [{ path: "a.ts", content: "one" }],
      workspaceBase: { commit: "c0ffee", branch: "main" },
    });
    expect(again.lastAttempt?.steps.map(({ number }) => number)).toEqual([1, 2]);
  });

  test("needs a step that there is, and an issue of which nothing is under way", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await workedIssue(organizationId);
    const conflict = { ok: false, failure: { code: "conflict" } };
    expect(await replay(organizationId, issueId, { fromStep: 5 })).toMatchObject(conflict);
    expect(await replay(organizationId, issueId, { fromStep: 1, attempt: 2 })).toMatchObject(conflict);
    expect(await replay(organizationId, issueId, { fromStep: 1, jobId: "job_other" })).toMatchObject(conflict);
    expect(await replay(mintOrganizationId(), issueId, { fromStep: 1 })).toMatchObject({
      failure: { code: "not_found" },
    });
    const reviewed = mintOrganizationId();
    const review = await bringToReview(reviewed);
    expect(await replay(reviewed, review.issueId, { fromStep: 1 })).toMatchObject(conflict);
    // What was stored before steps could be told apart in a transcript is not cut anywhere.
    await runInDurableObject(stubOf(organizationId), (_object, state) => {
      state.storage.sql.exec("UPDATE messages SET after_step = NULL");
    });
    expect(await replay(organizationId, issueId, { fromStep: 1 })).toMatchObject(conflict);
  });

  test("begins the issue's work anew: what had failed or was cancelled counts no longer", async () => {
    const organizationId = mintOrganizationId();
    const object = objectOf(organizationId);
    const { issueId } = await workedIssue(organizationId);
    await replay(organizationId, issueId, { fromStep: 3 });
    await nextJobMessage(organizationId, 1);
    const order = {
      organizationId,
      issueId,
      visibility: everything,
      authority: everything,
      actor: "ada",
      reason: null,
    };
    await object.commandIssue({ ...order, command: "cancel" });
    expect((await read(organizationId, issueId)).issue.status).toBe("CANCELLED");
    const [first] = (await read(organizationId, issueId)).jobs;
    expect(await replay(organizationId, issueId, { fromStep: 3, jobId: first?.id ?? "" })).toMatchObject({ ok: true });
    await runJob(organizationId, 2, { role: "work", summary: "Better." });
    expect((await read(organizationId, issueId)).issue.status).toBe("COMPLETED");
    expect(await object.commandIssue({ ...order, command: "retry" })).toMatchObject({ failure: { code: "conflict" } });
  });

  test("leads to a further change, whose branch is another than that of the first", async () => {
    const organizationId = mintOrganizationId();
    const object = objectOf(organizationId);
    const { issueId, work } = await workedIssue(organizationId);
    const branches: string[] = [];
    for (const seen of [1, 3]) {
      await replay(organizationId, issueId, { fromStep: 3, jobId: work.job.id });
      await runJob(organizationId, seen, { role: "work", summary: "Changed." }, [codeChange()]);
      await runJob(organizationId, seen + 1, { role: "review", decision: "pass", summary: "Good." });
      const open = { organizationId, status: ["OPEN"], before: null, limit: 1 } as const;
      const {
        matching: [review],
      } = await object.listUnprojectedReviews(open);
      const decided = {
        reviewId: review?.id ?? "",
        contentHash: review?.contentHash ?? "",
        note: null,
        decidedBy: "ada",
      };
      const asWho = { actingAs: ["organization", "platform"], deciderIds: ["ada"] } as const;
      await object.decideReview({ organizationId, decision: "approve", ...decided, ...asWho });
      const { effectId } = await vi.waitUntil(() =>
        receivedMessages()
          .filter(({ queue }) => queue === "agent-effects")
          .map(({ body }) => effectMessageSchema.parse(body))
          .filter((message) => message.organizationId === organizationId)
          .at(branches.length),
      );
      const effect = await object.claimEffect({ organizationId, effectId });
      if (effect.kind !== "claimed") throw new Error("the effect was stale");
      branches.push(effect.plan.branch);
      const { branch } = effect.plan;
      const result = { number: 1, url: "https://example.test/1", branch, commit: "c" };
      await object.finishEffect({
        organizationId,
        effectId,
        epoch: effect.epoch,
        outcome: { kind: "completed", result },
      });
    }
    const first = `agent/org-${organizationId}/${issueId}`;
    expect(branches).toEqual([first, `${first}-2`]);
  });
});

describe("a transcript", () => {
  test("is exported in pages, with prompt and the steps that its messages came after", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work } = await workedIssue(organizationId);
    const query = { organizationId, issueId, visibility: everything, jobId: null, attempt: null, limit: 3 };
    const first = await objectOf(organizationId).readTranscript({ ...query, afterPosition: 0 });
    expect(first).toMatchObject({ jobId: work.job.id, attempt: 1, prompt, isLast: false });
    const second = await objectOf(organizationId).readTranscript({ ...query, afterPosition: 3 });
    expect(second).toMatchObject({ isLast: true });
    expect([...(first?.messages ?? []), ...(second?.messages ?? [])]).toEqual([
      { position: 1, afterStep: 0, message: "first" },
      { position: 2, afterStep: 1, message: "call 1" },
      { position: 3, afterStep: 2, message: "result 1" },
      { position: 4, afterStep: 3, message: "call 2" },
      { position: 5, afterStep: 4, message: "result 2" },
    ]);
  });

  test("is nothing to those who may not know of the issue, and a page ends when it is full", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await workedIssue(organizationId);
    const query = { organizationId, issueId, visibility: everything, jobId: null, attempt: null, afterPosition: 0 };
    const object = objectOf(organizationId);
    const foreign = { kind: "own", userIds: ["user-2"] } as const;
    expect(await object.readTranscript({ ...query, visibility: foreign, limit: 3 })).toBeNull();
    expect(await object.readTranscript({ ...query, attempt: 2, limit: 3 })).toBeNull();
    expect(await object.readTranscript({ ...query, jobId: "job_other", limit: 3 })).toBeNull();
    await runInDurableObject(stubOf(organizationId), (_object, state) => {
      state.storage.sql.exec("UPDATE messages SET message = ? WHERE position = 2", "x".repeat(1_000_000));
    });
    expect(await object.readTranscript({ ...query, limit: 100 })).toMatchObject({
      isLast: false,
      messages: { length: 2 },
    });
  });
});
