/** What agents ask and people say: the tool, the decision about a message, and the loop's part in both. */
import { describe, expect, test } from "vitest";
import type { MessageRecord, QuestionRecord } from "../../src/contracts/conversation.ts";
import {
  decideMessage,
  mostMessages,
  type MessageFacts,
} from "../../src/durable-objects/organization/message-decision.ts";
import { renderFirstMessage } from "../../src/agents/prompts/first-message.ts";
import { parseMessage, peopleMessage, textOf } from "../../src/agents/transcript.ts";
import { systemClock } from "../../src/core/clock.ts";
import { consumeJobs } from "../../src/queues/jobs.ts";
import { executeTool } from "../../src/tools/execute-tool.ts";
import { openQuestion } from "../../src/tools/people/ask-user.ts";
import { markUntrusted } from "../../src/tools/untrusted-data.ts";
import { inOrder, runTestLoop, scriptedModel, StoredAttempt, type ScriptedTurn } from "../support/agents-fixture.ts";
import { batchOf, keptLog, MemoryJob, quietTimings } from "../support/queues-fixture.ts";
import { memoryRepository } from "../support/memory-repository.ts";
import { contextOf } from "./tools-fixture.ts";

const question: QuestionRecord = {
  id: "que_1",
  issueId: "iss_1",
  jobId: "job_1",
  attempt: 1,
  callId: "c1",
  question: "Which brief?",
  choices: [],
  defaultAnswer: null,
  status: "OPEN",
  answer: null,
  answeredBy: null,
  enteredBy: null,
  askedAtMs: 0,
  expiresAtMs: 1,
  closedAtMs: null,
};
const said = (id: string, text: string): MessageRecord => ({
  id,
  issueId: "iss_1",
  text,
  author: "ada",
  enteredBy: "ada",
  sentAtMs: 0,
  heardByJobId: null,
  heardAtMs: null,
});

describe("a person's message", () => {
  const running: MessageFacts = {
    status: "PROCESSING",
    jobs: [{ record: { status: "RUNNING" } }],
    open: [],
    messageCount: 0,
  };
  const unnamed = { text: "The latest.", questionId: null };

  test("answers the oldest open question, or the one that it names", () => {
    const second = { ...question, id: "que_2" };
    const facts = {
      lastAttempt: null,
      ...running,
      open: [question, second],
    };
    expect(decideMessage(unnamed, facts)).toEqual({ kind: "answer", question, answer: "The latest." });
    expect(decideMessage({ ...unnamed, questionId: "que_2" }, facts)).toMatchObject({ question: second });
    expect(decideMessage({ ...unnamed, questionId: "que_3" }, facts)).toMatchObject({
      kind: "refuse",
      failure: { code: "conflict", field: "questionId" },
    });
  });

  test("answers a question with choices by one of them, as it was written", () => {
    const open = [{ ...question, choices: ["Approved", "Rejected"] }];
    expect(decideMessage({ text: "approved", questionId: null }, { ...running, open })).toMatchObject({
      kind: "answer",
      answer: "Approved",
    });
    expect(decideMessage(unnamed, { ...running, open })).toMatchObject({
      kind: "refuse",
      failure: { code: "invalid_request", field: "text" },
    });
  });

  test.each(["PENDING", "RUNNING", "PAUSED"] as const)("is told to a job that is %s", (status) => {
    const ended = { record: { status: "COMPLETED" } } as const;
    expect(decideMessage(unnamed, { ...running, jobs: [ended, { record: { status } }] })).toEqual({ kind: "send" });
  });

  test.each(["COMPLETED", "FAILED", "CANCELLED"] as const)("has nobody to hear it when every job is %s", (status) => {
    expect(decideMessage(unnamed, { ...running, status: "REVIEW", jobs: [{ record: { status } }] })).toMatchObject({
      kind: "refuse",
      failure: { code: "conflict" },
    });
  });

  test("is one too many beyond the bound", () => {
    expect(decideMessage(unnamed, { ...running, messageCount: mostMessages - 1 })).toEqual({ kind: "send" });
    expect(decideMessage(unnamed, { ...running, messageCount: mostMessages })).toMatchObject({ kind: "refuse" });
  });
});

describe("ask_user", () => {
  const ask = (input: unknown, id = "c1") => ({ id, name: "ask_user", input });
  const context = contextOf(null);
  const nobodyAnswered = () => false;

  test("is an open question until it is answered, and the first of a turn comes first", () => {
    const calls = [
      { id: "c0", name: "list_files", input: {} },
      ask({ question: " Which one? " }),
      ask({ question: "And why?", choices: ["a", "b"], default: "b" }, "c2"),
    ];
    const first = { callId: "c1", question: "Which one?", choices: [], defaultAnswer: null };
    expect(openQuestion(calls, context, nobodyAnswered)).toEqual(first);
    expect(openQuestion(calls, context, (id) => id === "c1")).toEqual({
      callId: "c2",
      question: "And why?",
      choices: ["a", "b"],
      defaultAnswer: "b",
    });
    expect(openQuestion(calls, context, () => true)).toBeNull();
  });

  test.each([
    ["an empty question", { question: " " }],
    ["one choice", { question: "Which?", choices: ["a"] }],
    ["choices that are the same", { question: "Which?", choices: ["a", "A"] }],
    ["a default that is no choice", { question: "Which?", choices: ["a", "b"], default: "c" }],
  ])("with %s is no question: the model reads what is wrong", async (_what, input) => {
    expect(openQuestion([ask(input)], context, nobodyAnswered)).toBeNull();
    expect(await executeTool(context, ask(input))).toMatchObject({ isError: true });
  });

  test("that is not the agent's, or switched off, asks nobody", async () => {
    const other = { ...context, tools: ["finish"] };
    expect(openQuestion([ask({ question: "Which?" })], other, nobodyAnswered)).toBeNull();
    expect(await executeTool(other, ask({ question: "Which?" }))).toMatchObject({ isError: true });
  });

  test("is answered by the person's words, or by the default and that it is one", async () => {
    const run = (isDefault: boolean) =>
      executeTool({ ...context, answer: { answer: "The latest.", isDefault } }, ask({ question: "Which?" }));
    expect((await run(false)).output).toContain("The latest.");
    expect((await run(false)).output).not.toContain("Nobody answered");
    expect((await run(true)).output).toContain("Nobody answered in time. Your default counts: The latest.");
  });
});

const asking: ScriptedTurn = {
  calls: [
    { id: "c0", name: "list_files" },
    { id: "c1", name: "ask_user", input: { question: "Which brief?" } },
  ],
};
const finishing: ScriptedTurn = { calls: [{ id: "c9", name: "finish", input: { summary: "Done." } }] };

describe("the loop", () => {
  test("stops at a question before any call of the turn is run, and goes on from the same transcript", async () => {
    const store = new StoredAttempt();
    const model = scriptedModel(inOrder([asking, finishing]));
    const draft = { callId: "c1", question: "Which brief?", choices: [], defaultAnswer: null };
    expect(await runTestLoop(model, { store, ports: { openQuestion: () => draft } })).toEqual({
      kind: "asked",
      question: draft,
    });
    expect(store.checkpoints).toHaveLength(1);
    expect(await runTestLoop(model, { store })).toMatchObject({ kind: "done" });
    expect(model.requests).toHaveLength(2);
    expect(store.checkpoints[1]?.steps.map(({ name }) => name)).toEqual(["list_files", "ask_user"]);
  });

  test("hears what people say before the next model call, once, after the tools' results", async () => {
    const store = new StoredAttempt();
    const model = scriptedModel(inOrder([{ calls: [{ id: "c0", name: "list_files" }] }, finishing]));
    let unheard: readonly MessageRecord[] = [];
    const saveCheckpoint = (draft: StoredAttempt["checkpoints"][number]) => {
      store.checkpoints.push(draft);
      unheard = unheard.filter(({ id }) => !draft.heardMessageIds.includes(id));
      if (draft.steps.some(({ name }) => name === "claude-sonnet-5-5") && store.checkpoints.length === 1) {
        unheard = [said("msg_1", "Only this year."), said("msg_2", "And only ours.")];
      }
      return Promise.resolve(true);
    };
    expect(await runTestLoop(model, { store, ports: { saveCheckpoint, unheard: () => unheard } })).toMatchObject({
      kind: "done",
    });
    expect(store.checkpoints.map(({ heardMessageIds }) => heardMessageIds)).toEqual([
      [],
      [],
      ["msg_1", "msg_2"],
      [],
      [],
    ]);
    const last = model.requests[1]?.messages.at(-1) ?? "";
    expect(last).toBe(peopleMessage([said("msg_1", "Only this year."), said("msg_2", "And only ours.")]));
    expect(last.indexOf("Only this year.")).toBeLessThan(last.indexOf("And only ours."));
  });

  test("does not end over the head of a person: what was said meanwhile is heard first", async () => {
    const store = new StoredAttempt();
    let unheard: readonly MessageRecord[] = [];
    const again: ScriptedTurn = { calls: [{ id: "c10", name: "finish", input: { summary: "Done again." } }] };
    const model = scriptedModel(inOrder([finishing, again]));
    const saveCheckpoint = (draft: StoredAttempt["checkpoints"][number]) => {
      store.checkpoints.push(draft);
      unheard = store.checkpoints.length === 2 ? [said("msg_1", "Wait!")] : [];
      return Promise.resolve(true);
    };
    const stop = await runTestLoop(model, { store, ports: { saveCheckpoint, unheard: () => unheard } });
    expect(stop).toMatchObject({ kind: "done", summary: "Done again." });
    expect(model.requests).toHaveLength(2);
  });
});

async function deliver(job: MemoryJob, turns: readonly ScriptedTurn[]) {
  const model = scriptedModel(inOrder(turns));
  const { logger } = keptLog();
  const { organizationId, dispatchId, issue } = job;
  const message = { v: 1, organizationId, jobId: job.job.id, dispatchId, correlationId: issue.correlationId };
  const objects = { organization: () => job, repository: () => memoryRepository("/nowhere") };
  const ports = {
    objects,
    gitHub: null,
    model,
    clock: systemClock,
    timings: quietTimings,
    defaultModel: "sonnet",
    logger,
  } as const;
  await consumeJobs(ports, batchOf("agent-jobs-0", [message]));
  return model;
}

describe("a slice", () => {
  test("that comes to a question asks it and reports nothing else; the next one answers the call", async () => {
    const job = new MemoryJob();
    await deliver(job, [asking]);
    expect(job.asked).toMatchObject([{ epoch: 1, attempt: 1, draft: { callId: "c1", question: "Which brief?" } }]);
    expect([job.finished.length, job.failed.length, job.yields]).toEqual([0, 0, 0]);

    const answered = {
      ...question,
      jobId: job.job.id,
      status: "ANSWERED",
      answer: "The latest.",
      answeredBy: "ada",
    } as const;
    const earlier = { ...answered, attempt: 2, answer: "not of this attempt" };
    job.change({ conversation: { questions: [answered, earlier], messages: [] } });
    const model = await deliver(job, [asking, finishing]);
    expect(model.requests).toHaveLength(1);
    expect(job.messages[2]).toContain("The latest.");
    expect(job.finished).toMatchObject([{ outcome: { summary: "Done." } }]);
    expect(job.asked).toHaveLength(1);
  });

  test.each([
    ["DEFAULTED", "Nobody answered in time. Your default counts: The latest."],
    ["ANSWERED", "The latest."],
  ] as const)("tells the agent whether a person said it: %s", async (status, words) => {
    const job = new MemoryJob();
    await deliver(job, [asking]);
    const closed = { ...question, jobId: job.job.id, status, answer: "The latest.", answeredBy: null };
    job.change({ conversation: { questions: [closed], messages: [] } });
    await deliver(job, [asking, finishing]);
    expect(job.checkpoints.flatMap(({ steps }) => steps).find(({ name }) => name === "ask_user")?.output).toBe(
      markUntrusted(words),
    );
  });

  test("hears at its start what was said while nobody ran the job", async () => {
    const job = new MemoryJob();
    const heardBefore = { ...said("msg_0", "Heard by triage."), heardByJobId: "job_0", heardAtMs: 1 };
    job.change({ conversation: { questions: [], messages: [heardBefore, said("msg_1", "For you.")] } });
    await deliver(job, [finishing]);
    expect(job.messages[0]).toContain("Heard by triage.");
    expect(job.messages[0]).not.toContain("For you.");
    expect(job.messages[1]).toBe(peopleMessage([said("msg_1", "For you.")]));
    expect(job.checkpoints[0]).toMatchObject({ steps: [], heardMessageIds: ["msg_1"] });
  });
});

test("a new transcript tells what was asked and answered, marked as data", () => {
  const conversation = {
    questions: [{ ...question, status: "ANSWERED", answer: "The latest.", answeredBy: "ada" } as const, question],
    messages: [],
  };
  const issue = { type: "BUG", priority: "HIGH", title: "t", description: "d", context: {}, triage: null } as const;
  const facts = {
    lastAttempt: null,
    role: "work",
    issue,
    repository: null,
    attempt: 2,
    changedPaths: [],
    reviewNote: null,
    requestedChanges: null,
    underReview: null,
  } as const;
  const text = textOf(parseMessage(renderFirstMessage({ ...facts, conversation })));
  expect(text).toMatch(/An agent asked:\n<quote-[0-9a-f]+>\nWhich brief\?/u);
  expect(text).toMatch(/The answer:\n<quote-[0-9a-f]+>\nada: The latest\./u);
  expect(text.match(/Which brief/gu)).toHaveLength(1);
});
