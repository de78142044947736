/** Questions to people and messages from them, in the object: what waits, what resumes it, and what is heard once. */
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { findAgent } from "../../src/agents/registry.ts";
import type { QuestionDraft } from "../../src/contracts/conversation.ts";
import { transportEventTypes } from "../../src/contracts/events.ts";
import type { Assignment, IssueCommand, MessageCommand } from "../../src/contracts/organization-rpc.ts";
import { createLogger } from "../../src/core/log.ts";
import { runSlice } from "../../src/queues/run-slice.ts";
import { normalizeHistory } from "../support/normalize-history.ts";
import { inOrder, scriptedModel, type ScriptedTurn } from "../support/agents-fixture.ts";
import { quietTimings } from "../support/queues-fixture.ts";
import {
  allEvents,
  bringToReview,
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
  type SubmissionChanges,
  submit,
  termsFor,
  triaged,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

// The platform's slots are shared, so what a test leaves running must not keep the next one waiting.
afterEach(reset);

const dayMs = 24 * 60 * 60 * 1_000;
const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const draft: QuestionDraft = { callId: "toolu_1", question: "Which brief?", choices: [], defaultAnswer: null };

function sliceOf({ issue, job, epoch }: Assignment) {
  return { organizationId: issue.organizationId, jobId: job.id, epoch };
}

async function startWork(organizationId: string, changes: SubmissionChanges = {}) {
  const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow", ...changes });
  const work = await claim(await nextJobMessage(organizationId));
  return { issueId, work, slice: sliceOf(work) };
}

/** An issue whose work asks a question. */
async function startAsking(organizationId: string, change: Partial<QuestionDraft> = {}) {
  const started = await startWork(organizationId);
  const asked = await objectOf(organizationId).askPerson({
    ...started.slice,
    attempt: 1,
    draft: { ...draft, ...change },
  });
  expect(asked).toEqual({ accepted: true });
  return started;
}

function say(organizationId: string, issueId: string, text: string, change: Partial<MessageCommand> = {}) {
  const words = { text, author: "ada", enteredBy: "ada", questionId: null, idempotency: null };
  const order = { organizationId, issueId, visibility: everything, authority: everything, ...words };
  return objectOf(organizationId).sendMessage({ ...order, ...change });
}

function command(organizationId: string, issueId: string, name: IssueCommand["command"]) {
  const author = { actor: "ada", reason: null };
  const order = { organizationId, issueId, visibility: everything, authority: everything, command: name, ...author };
  return objectOf(organizationId).commandIssue(order);
}

async function read(organizationId: string, issueId: string) {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
  if (detail === null) throw new Error("the issue is gone");
  return detail;
}

async function heldSlots(organizationId: string): Promise<number> {
  return runInDurableObject(stubOf(organizationId), (_object, state) =>
    Number(state.storage.sql.exec("SELECT COUNT(*) AS n FROM jobs WHERE slot_id IS NOT NULL").one()["n"]),
  );
}

async function deadlinesOf(organizationId: string, kind: string): Promise<readonly unknown[]> {
  return runInDurableObject(stubOf(organizationId), (_object, state) =>
    state.storage.sql.exec("SELECT name FROM deadlines WHERE name LIKE ?", `${kind}:%`).toArray(),
  );
}

describe("a question", () => {
  test("parks its job without a slot, shows, and is answered into the same attempt", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await startAsking(organizationId, { choices: ["Red", "Blue"] });
    expect(await heldSlots(organizationId)).toBe(0);
    expect(await objectOf(organizationId).renewLease(slice)).toEqual({ accepted: false });
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "PROCESSING" },
      jobs: [{ status: "PAUSED", pausedReason: "question" }],
      questions: [{ jobId: work.job.id, question: "Which brief?", status: "OPEN", choices: ["Red", "Blue"] }],
    });
    expect(await say(organizationId, issueId, "Green")).toMatchObject({ ok: false, failure: { field: "text" } });
    const answered = await say(organizationId, issueId, "blue", { author: "The client", enteredBy: "root" });
    expect(answered).toMatchObject({
      ok: true,
      value: {
        kind: "answered",
        question: { status: "ANSWERED", answer: "Blue", answeredBy: "The client", enteredBy: "root" },
      },
    });
    // Nothing wakes the object for what is answered.
    expect(await deadlinesOf(organizationId, "question")).toEqual([]);
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({
      job: { id: work.job.id, attempts: 1 },
      conversation: { questions: [{ callId: "toolu_1", attempt: 1, answer: "Blue" }], messages: [] },
    });
    const events = await allEvents(organizationId);
    expectNoGaps(events);
    expect(events.filter(({ type }) => type.startsWith("question.")).map(({ type }) => type)).toEqual([
      "question.asked",
      "question.closed",
    ]);
  });

  test("is asked by the epoch that holds the job alone", async () => {
    const organizationId = mintOrganizationId();
    const { slice, issueId } = await startWork(organizationId);
    const stale = { ...slice, epoch: slice.epoch - 1, attempt: 1, draft };
    expect(await objectOf(organizationId).askPerson(stale)).toEqual({ accepted: false });
    expect((await read(organizationId, issueId)).questions).toEqual([]);
  });

  test("may be answered by the submitter and by reviewers, and by nobody else", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startAsking(organizationId);
    const own = (userId: string) => ({ kind: "own", userIds: [userId] }) as const;
    expect(await say(organizationId, issueId, "A", { authority: own("user-2") })).toMatchObject({
      ok: false,
      failure: { code: "forbidden" },
    });
    expect(
      await say(organizationId, issueId, "A", { visibility: own("user-2"), authority: own("user-2") }),
    ).toMatchObject({
      ok: false,
      failure: { code: "not_found" },
    });
    expect(await say(mintOrganizationId(), issueId, "A")).toMatchObject({ ok: false, failure: { code: "not_found" } });
    expect(await say(organizationId, issueId, "A", { authority: own("user-1") })).toMatchObject({ ok: true });
    expect(await say(organizationId, issueId, "A", { questionId: "que_other" })).toMatchObject({
      ok: false,
      failure: { code: "conflict", field: "questionId" },
    });
  });

  test("takes its default after seven days, and cancels its issue without one", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startAsking(organizationId, { defaultAnswer: "The latest." });
    const other = mintOrganizationId();
    const without = await startAsking(other);
    advanceMs(7 * dayMs - 60_000);
    for (const each of [organizationId, other]) await runDurableObjectAlarm(stubOf(each));
    expect((await read(organizationId, issueId)).questions).toMatchObject([{ status: "OPEN" }]);
    advanceMs(60_000);
    for (const each of [organizationId, other]) await runDurableObjectAlarm(stubOf(each));
    expect((await read(organizationId, issueId)).questions).toMatchObject([
      { status: "DEFAULTED", answer: "The latest.", answeredBy: null },
    ]);
    expect((await claim(await nextJobMessage(organizationId, 1))).attempt.number).toBe(1);
    expect(await read(other, without.issueId)).toMatchObject({
      issue: { status: "CANCELLED" },
      jobs: [{ status: "CANCELLED", error: { message: "Nobody answered the agent's question in time." } }],
      questions: [{ status: "EXPIRED", answer: null }],
    });
  });

  test("ends with a cancelled issue, and is left alone by a hold and by an order to clear", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await startAsking(organizationId);
    const actor = { kind: "platform", name: "root" } as const;
    const hold = {
      id: "swi_1",
      scope: { kind: "platform" },
      mode: "hold",
      actor,
      reason: "x",
      createdAtMs: 0,
      expiresAtMs: null,
    } as const;
    const clear = { atMs: testClock.nowMs() + 1_000, actor, reason: "Start anew." };
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId), version: 2, switches: [hold], clear });
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "PROCESSING" },
      questions: [{ status: "OPEN" }],
    });
    expect(await say(organizationId, issueId, "The latest.")).toMatchObject({ ok: true });
    expect(await read(organizationId, issueId)).toMatchObject({ jobs: [{ status: "PENDING" }], waitingFor: "switch" });

    const other = mintOrganizationId();
    const asking = await startAsking(other);
    expect(await command(other, asking.issueId, "cancel")).toMatchObject({ ok: true });
    expect(await read(other, asking.issueId)).toMatchObject({
      issue: { status: "CANCELLED" },
      questions: [{ status: "CANCELLED" }],
    });
    expect(await say(other, asking.issueId, "Too late.")).toMatchObject({ ok: false, failure: { code: "conflict" } });
    advanceMs(8 * dayMs);
    await runDurableObjectAlarm(stubOf(other));
    expect((await read(other, asking.issueId)).questions).toMatchObject([{ status: "CANCELLED" }]);
  });

  test("that was asked while an operator paused the job leads into that pause", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await startWork(organizationId);
    await command(organizationId, issueId, "pause");
    await objectOf(organizationId).askPerson({ ...slice, attempt: 1, draft });
    expect(await read(organizationId, issueId)).toMatchObject({ jobs: [{ pausedReason: "question" }] });
    await say(organizationId, issueId, "The latest.");
    expect(await read(organizationId, issueId)).toMatchObject({
      jobs: [{ status: "PAUSED", pausedReason: "operator" }],
    });
    await command(organizationId, issueId, "resume");
    expect((await claim(await nextJobMessage(organizationId, 1))).conversation.questions).toMatchObject([
      { answer: "The latest." },
    ]);
  });

  test("keeps waiting when the pause is taken back before the answer", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, slice } = await startWork(organizationId);
    await command(organizationId, issueId, "pause");
    await objectOf(organizationId).askPerson({ ...slice, attempt: 1, draft });
    await command(organizationId, issueId, "resume");
    expect(await read(organizationId, issueId)).toMatchObject({
      jobs: [{ status: "PAUSED", pausedReason: "question" }],
    });
    await say(organizationId, issueId, "The latest.");
    expect((await claim(await nextJobMessage(organizationId, 1))).job.status).toBe("RUNNING");
  });
});

describe("a message", () => {
  test("is told to the slice at its next checkpoint, and stands in the transcript once, whoever dies", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await startWork(organizationId);
    const object = objectOf(organizationId);
    await object.beginAttempt({
      ...slice,
      attempt: 1,
      prompt: promptOver({ baseCommit: null, baseBranch: null }),
      firstMessage: "{}",
    });
    for (const text of ["One", "Two"]) await say(organizationId, issueId, text);
    await evictDurableObject(stubOf(organizationId));
    const answer = await objectOf(organizationId).checkpoint(
      checkpointOf(work, { steps: [modelStep(work, 1)], appendedMessages: ["m1"] }),
    );
    if (!answer.accepted) throw new Error("the checkpoint was refused");
    expect(answer.unheard.map(({ text }) => text)).toEqual(["One", "Two"]);
    await say(organizationId, issueId, "Three");
    const heard = checkpointOf(work, {
      appendedMessages: ["One, Two"],
      heardMessageIds: answer.unheard.map(({ id }) => id),
    });
    const rest = { accepted: true, unheard: [{ text: "Three", heardByJobId: null }] };
    expect(await objectOf(organizationId).checkpoint(heard)).toMatchObject(rest);
    // The same again, because its answer was lost.
    expect(await objectOf(organizationId).checkpoint(heard)).toMatchObject(rest);
    const told = (await allEvents(organizationId)).flatMap(({ type, data }) =>
      type === "message.heard" ? [data] : [],
    );
    expect(told).toEqual([{ messageIds: heard.heardMessageIds, attempt: 1 }]);
    expect(await read(organizationId, issueId)).toMatchObject({
      messages: [
        { text: "One", heardByJobId: work.job.id },
        { text: "Two", heardByJobId: work.job.id },
        { text: "Three", heardByJobId: null },
      ],
    });
    // The slice is lost, and another one goes on.
    advanceMs(60_000);
    await runDurableObjectAlarm(stubOf(organizationId));
    const next = await claim(await nextJobMessage(organizationId, 1));
    expect(next.attempt.messages).toEqual(["{}", "m1", "One, Two"]);
    expect(next.conversation.messages.filter(({ heardByJobId }) => heardByJobId === null)).toMatchObject([
      { text: "Three" },
    ]);
  });

  test("that comes while the agent ends keeps the job going until it is heard", async () => {
    const organizationId = mintOrganizationId();
    const { issueId, work, slice } = await startWork(organizationId);
    await say(organizationId, issueId, "Wait!");
    const outcome = { role: "work", summary: "Done." } as const;
    expect(await objectOf(organizationId).finish({ ...slice, outcome, artifacts: [] })).toEqual({ accepted: true });
    expect(await read(organizationId, issueId)).toMatchObject({ jobs: [{ status: "RUNNING", attempts: 1 }] });
    const next = await claim(await nextJobMessage(organizationId, 1));
    const [message] = next.conversation.messages;
    await objectOf(organizationId).checkpoint(
      checkpointOf(next, { appendedMessages: ["Wait!"], heardMessageIds: [message?.id ?? ""] }),
    );
    await objectOf(organizationId).finish({ ...sliceOf(next), outcome, artifacts: [] });
    expect(await read(organizationId, issueId)).toMatchObject({
      issue: { status: "COMPLETED" },
      jobs: [{ id: work.job.id }],
    });
    expect(await say(organizationId, issueId, "Thanks")).toMatchObject({ ok: false, failure: { code: "conflict" } });
  });

  test("that triage has not heard is for the work that follows", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await submit(organizationId);
    const first = await claim(await nextJobMessage(organizationId));
    await say(organizationId, issueId, "It is urgent.");
    await objectOf(organizationId).finish({ ...sliceOf(first), outcome: triaged, artifacts: [] });
    const work = await claim(await nextJobMessage(organizationId, 1));
    expect(work.job.role).toBe("work");
    expect(work.conversation.messages).toMatchObject([{ text: "It is urgent.", heardByJobId: null }]);
  });

  test("is no use to an issue that waits for a review; the same key is one message", async () => {
    const organizationId = mintOrganizationId();
    const { issueId } = await bringToReview(organizationId);
    expect(await say(organizationId, issueId, "Hm")).toMatchObject({ ok: false, failure: { code: "conflict" } });

    const other = mintOrganizationId();
    const waiting = await submit(other);
    const idempotency = { key: "k", requestHash: "h" };
    const first = await say(other, waiting.issueId, "Once", { idempotency });
    await evictDurableObject(stubOf(other));
    const second = await say(other, waiting.issueId, "Once", { idempotency });
    expect([first, second]).toMatchObject([
      { ok: true, value: { kind: "sent", replayed: false } },
      { ok: true, value: { kind: "sent", replayed: true } },
    ]);
    expect((await read(other, waiting.issueId)).messages).toHaveLength(1);
    expect(
      await say(other, waiting.issueId, "Twice", { idempotency: { key: "k", requestHash: "other" } }),
    ).toMatchObject({
      ok: false,
      failure: { code: "idempotency_key_reused" },
    });
  });
});

describe("a wish for changes", () => {
  test("has the work done again with workspace and note, and begins a new round of reviews", async () => {
    const organizationId = mintOrganizationId();
    const object = objectOf(organizationId);
    const { issueId } = await submit(organizationId, { requestedAgentType: "briefs.status-workflow" });
    const sendBack = { role: "review", decision: "send_back", summary: "The test proves nothing." } as const;
    /** Work that the review agent sends back once; the second time it comes to a person. */
    const round = async (seen: number) => {
      const first = await runJob(organizationId, seen, { role: "work", summary: "Fixed." }, [codeChange()]);
      await runJob(organizationId, seen + 1, sendBack);
      const second = await runJob(organizationId, seen + 2, { role: "work", summary: "Better." }, [codeChange()]);
      await runJob(organizationId, seen + 3, sendBack);
      return { first, second };
    };
    const { second } = await round(0);
    const open = { organizationId, status: ["OPEN"], before: null, limit: 1 } as const;
    const {
      matching: [review],
    } = await object.listUnprojectedReviews(open);
    const reviewer = { decidedBy: "ada", actingAs: ["organization", "platform"], deciderIds: ["ada"] } as const;
    const about = { organizationId, reviewId: review?.id ?? "", contentHash: review?.contentHash ?? "", ...reviewer };
    const wish = { ...about, decision: "request_changes" } as const;
    expect(await object.decideReview({ ...wish, note: null })).toMatchObject({ ok: false, failure: { field: "note" } });
    const decided = await object.decideReview({ ...wish, note: "Add a test." });
    expect(decided).toMatchObject({ ok: true, value: { status: "CHANGES_REQUESTED", note: "Add a test." } });
    expect(await object.decideReview({ ...wish, note: "Add a test." })).toEqual(decided);
    expect((await read(organizationId, issueId)).issue.status).toBe("QUEUED");

    const { first: again } = await round(4);
    expect(again.job).toMatchObject({
      role: "work",
      retryOf: second.job.id,
      config: { requestedChanges: "Add a test." },
    });
    const { issue, reviews, jobs } = await read(organizationId, issueId);
    expect(issue.status).toBe("REVIEW");
    expect(reviews.map(({ status }) => status)).toEqual(["CHANGES_REQUESTED", "OPEN"]);
    expect(jobs).toHaveLength(8);
  });
});

const askingRun: readonly ScriptedTurn[] = [
  {
    text: "Which one is meant?",
    calls: [
      { id: "toolu_ask", name: "ask_user", input: { question: "Which status?", choices: ["APPROVED", "REJECTED"] } },
    ],
  },
  { text: "So it is that.", calls: [{ id: "toolu_list", name: "list_files", input: {} }] },
  { calls: [{ id: "toolu_end", name: "finish", input: { summary: "It is APPROVED.", report: "# Report" } }] },
];

/** One delivery of the job, by the code that runs in production, with a model that follows a script. */
async function deliver(
  organizationId: string,
  seen: number,
  model: ReturnType<typeof scriptedModel>,
): Promise<Assignment> {
  const assignment = await claim(await nextJobMessage(organizationId, seen));
  const logger = createLogger({}, () => undefined);
  const ports = { objects: clients, gitHub: null, model, clock: testClock, timings: quietTimings, logger } as const;
  await runSlice({ ...ports, defaultModel: "sonnet" }, organizationId, assignment);
  return assignment;
}

const research = findAgent("meta.research");

/** As a new build would: what attempts begin with from now on is another prompt. */
function deployOtherPrompt(prompt: string): void {
  if (research === null) throw new Error("there is no research agent");
  Object.defineProperty(research, "prompt", { value: prompt, configurable: true, writable: true });
}

/** A run from submission to end; between question and answer `wait` happens. */
async function questionRun(wait: (organizationId: string) => Promise<void>) {
  const organizationId = mintOrganizationId();
  const model = scriptedModel(inOrder(askingRun));
  const { issueId } = await submit(organizationId, { requestedAgentType: "meta.research" });
  await deliver(organizationId, 0, model);
  await vi.waitUntil(async () => (await read(organizationId, issueId)).questions.length === 1);
  await wait(organizationId);
  await say(organizationId, issueId, "APPROVED");
  const { job } = await deliver(organizationId, 1, model);
  const whole = { organizationId, issueId, visibility: everything, after: null, limit: 10 };
  const artifacts = (await objectOf(organizationId).listArtifacts(whole))?.items;
  const transcript = await runInDurableObject(stubOf(organizationId), (_object, state) =>
    state.storage.sql.exec("SELECT message FROM messages WHERE job_id = ? ORDER BY position", job.id).toArray(),
  );
  const events = await allEvents(organizationId);
  const told = events.filter(({ type }) => !transportEventTypes.has(type));
  const history = normalizeHistory({ events, detail: null, rows: {} }, { [organizationId]: "organization" });
  const detail = await read(organizationId, issueId);
  return { organizationId, detail, model, artifacts, transcript, told, events: history.events };
}

test("a question of Monday, answered on Wednesday with two deploys in between, ends as one answered at once", async () => {
  const calm = await questionRun(() => Promise.resolve());
  const late = await questionRun(async (organizationId) => {
    for (let day = 0; day < 2; day += 1) {
      expect(await heldSlots(organizationId)).toBe(0);
      await vi.waitUntil(async () => (await clients.platform().readStatus()).slotsInUse === 0);
      deployOtherPrompt(`What build ${day} says.`);
      advanceMs(dayMs);
      await evictDurableObject(stubOf(organizationId));
      await runDurableObjectAlarm(stubOf(organizationId));
    }
    expect(jobMessages(organizationId)).toHaveLength(1);
  });
  expect(research?.prompt).toBe("What build 1 says.");
  expect(late.detail).toMatchObject({ issue: { status: "COMPLETED" }, jobs: [{ status: "COMPLETED", attempts: 1 }] });
  expect(late.transcript).toEqual(calm.transcript);
  expect(late.model.requests).toEqual(calm.model.requests);
  expect(late.model.requests).toHaveLength(askingRun.length);
  expect(late.events).toEqual(calm.events);
  // One call after the other, each recorded once, and what the person said as the result of the call that asked.
  const steps = late.told.flatMap(({ type, data }) => (type === "step.recorded" ? [data.step] : []));
  expect(steps.map(({ number, kind, name }) => (kind === "model" ? number : `${number} ${name}`))).toEqual([
    1,
    "2 ask_user",
    3,
    "4 list_files",
    5,
    "6 finish",
  ]);
  expect(steps[1]?.output).toContain("APPROVED");
  expect(late.transcript).toHaveLength(1 + 2 * askingRun.length);
  expect(late.model.requests[1]?.messages.at(-1)).toContain("APPROVED");
  expect(late.detail.issue.costMicroUsd).toBe(calm.detail.issue.costMicroUsd);
  expect(late.told.filter(({ type }) => type === "job.cost_estimated")).toEqual([]);
  const contents = ({ artifacts }: typeof calm) => artifacts?.map(({ artifact, content }) => [artifact.type, content]);
  expect(contents(late)).toEqual(contents(calm));
  expect(contents(late)).toEqual([["ANALYSIS", "# Report"]]);
});
