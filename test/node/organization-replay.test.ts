import { describe, expect, test } from "vitest";
import type { ReplayOrder } from "../../src/contracts/organization-rpc.ts";
import {
  begunAnewAtMs,
  decideReplay,
  replayConfig,
  replayedStepOf,
  type ReplayFacts,
} from "../../src/durable-objects/organization/replay-decision.ts";

const ended = { attempts: 2, config: {}, model: "sonnet", status: "COMPLETED" } as const;
const triage = { ...ended, id: "job_1", role: "triage" } as const;
const work = { ...ended, id: "job_2", role: "work" } as const;
const review = { ...ended, id: "job_3", role: "review" } as const;
const facts: ReplayFacts = {
  jobs: [triage, work, review],
  reviews: [],
  effects: [],
  countSteps: (_jobId, attempt) => (attempt === 2 ? 9 : 4),
  isCuttable: () => true,
};
const order: ReplayOrder = { fromStep: 3, jobId: null, attempt: null, model: null, note: null };
const from = { jobId: "job_2", attempt: 2, step: 3 };

describe("a replay", () => {
  test.each([
    ["the last attempt of the last work", {}, from],
    ["a job that is named", { jobId: "job_3" }, { ...from, jobId: "job_3" }],
    ["an attempt that is named", { attempt: 1 }, { ...from, attempt: 1 }],
  ])("is of %s", (_name, change, expected) => {
    expect(decideReplay({ ...order, ...change }, facts)).toEqual({ kind: "replay", from: expected });
  });

  test("of an issue without work is of what came last", () => {
    expect(decideReplay(order, { ...facts, jobs: [triage] })).toMatchObject({ from: { jobId: "job_1" } });
  });

  test.each<[string, Partial<ReplayOrder>, Partial<ReplayFacts>]>([
    ["nothing has begun", {}, { jobs: [{ ...work, attempts: 0 }] }],
    ["the job is another issue's", { jobId: "job_9" }, {}],
    ["the step is not there", { fromStep: 10 }, {}],
    ["a job waits", {}, { jobs: [work, { ...work, id: "job_4", status: "PENDING" }] }],
    ["a job waits for an answer", {}, { jobs: [work, { ...work, id: "job_4", status: "PAUSED" }] }],
    ["a review is open", {}, { reviews: [{ status: "REJECTED" }, { status: "OPEN" }] }],
    ["a change is being sent", {}, { effects: [{ status: "RUNNING" }] }],
    ["the transcript cannot be cut", {}, { isCuttable: () => false }],
  ])("is refused when %s", (_name, change, changedFacts) => {
    expect(decideReplay({ ...order, ...change }, { ...facts, ...changedFacts })).toMatchObject({
      kind: "refuse",
      failure: { code: "conflict" },
    });
  });

  test("asked for again while it runs is the same one, and on another model another", () => {
    const running = { ...work, id: "job_4", status: "RUNNING", config: replayConfig(from) } as const;
    const again = { ...facts, jobs: [...facts.jobs, running] };
    expect(decideReplay(order, again)).toEqual({ kind: "repeat" });
    expect(decideReplay({ ...order, model: "sonnet" }, again)).toEqual({ kind: "repeat" });
    expect(decideReplay({ ...order, model: "opus" }, again).kind).toBe("refuse");
    expect(decideReplay({ ...order, fromStep: 2 }, again).kind).toBe("refuse");
  });
});

test("what a job replays is read from its config, and from nothing that only looks like it", () => {
  expect(replayedStepOf({ a: 1, ...replayConfig(from) })).toEqual(from);
  for (const replay of [null, 1, "x", [], {}, { ...from, step: "3" }]) expect(replayedStepOf({ replay })).toBeNull();
});

test("an issue's work began anew with its last replay", () => {
  const job = (createdAtMs: number, isReplay: boolean) => ({
    record: { createdAtMs, config: isReplay ? replayConfig(from) : {} },
  });
  expect(begunAnewAtMs([job(1, false), job(9, false)])).toBe(0);
  expect(begunAnewAtMs([job(1, false), job(2, true), job(5, true), job(9, false)])).toBe(5);
});
