/** The organization's money: exact, whatever happens to slices, and however many ask at once. */
import { evictAllDurableObjects, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Assignment, ReserveAnswer } from "../../src/contracts/organization-rpc.ts";
import { periodAt } from "../../src/core/utc-periods.ts";
import { budgetMigration } from "../../src/durable-objects/organization/budget-table.ts";
import { parseSchedulingSettings } from "../../src/env.ts";
import {
  allEvents,
  checkpointOf,
  claim,
  codeChange,
  everything,
  expectNoGaps,
  mintOrganizationId,
  modelStep,
  nextJobMessage,
  objectOf,
  runJob,
  submit,
  submitCommand,
  termsFor,
  triaged,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

const hourMs = 3_600_000;
const reserved = { kind: "reserved" } as const;
const refusedBy = (by: "job" | "organization_day" | "organization_month") => ({ kind: "refused", by }) as const;

/** To ten in the morning of a month's third day, so that no period ends while a test runs. */
function toQuietTime(): void {
  const nowMs = testClock.nowMs();
  advanceMs(periodAt("month", nowMs).endMs + 58 * hourMs - nowMs);
}

beforeEach(toQuietTime);
afterEach(reset);

/** A work job of an organization with these budgets, claimed. */
async function claimedJob(
  budgets: { readonly day?: number; readonly month?: number; readonly job?: number } = {},
  organizationId = mintOrganizationId(),
): Promise<Assignment> {
  await submit(organizationId, {
    terms: termsFor(organizationId, {
      dailyBudgetMicroUsd: budgets.day ?? 1_000_000,
      monthlyBudgetMicroUsd: budgets.month ?? 10_000_000,
    }),
    requestedAgentType: "meta.research",
    maxCostMicroUsd: budgets.job ?? null,
  });
  return claim(await nextJobMessage(organizationId));
}

const refOf = ({ issue, job, epoch }: Assignment) => ({
  organizationId: issue.organizationId,
  jobId: job.id,
  epoch,
});

function reserve(assignment: Assignment, stepNumber: number, amountMicroUsd: number): Promise<ReserveAnswer> {
  return objectOf(assignment.issue.organizationId).reserve({ ...refOf(assignment), stepNumber, amountMicroUsd });
}

function record(assignment: Assignment, stepNumber: number, costMicroUsd: number) {
  const steps = [modelStep(assignment, stepNumber, costMicroUsd)];
  return objectOf(assignment.issue.organizationId).checkpoint(checkpointOf(assignment, { steps }));
}

async function sums(organizationId: string) {
  const { day, month } = await objectOf(organizationId).readBudget({ organizationId });
  return {
    day: [day.committedMicroUsd, day.reservedMicroUsd],
    month: [month.committedMicroUsd, month.reservedMicroUsd],
  };
}

async function detailOf({ issue: { organizationId, id } }: Assignment) {
  const detail = await objectOf(organizationId).readIssue({ organizationId, issueId: id, visibility: everything });
  if (detail === null) throw new Error("the issue is missing");
  return detail;
}

async function runAlarm(organizationId: string): Promise<void> {
  await runDurableObjectAlarm(env.ORGANIZATIONS.getByName(organizationId));
}

async function estimates(organizationId: string) {
  return (await allEvents(organizationId)).flatMap((event) =>
    event.type === "job.cost_estimated" ? [event.data] : [],
  );
}

describe("a reservation", () => {
  test("is committed with what the step did cost, in the same transaction", async () => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    expect(await reserve(job, 1, 400)).toEqual(reserved);
    expect(await sums(organizationId)).toEqual({ day: [0, 400], month: [0, 400] });
    expect(await detailOf(job)).toMatchObject({ reservedMicroUsd: 400, issue: { costMicroUsd: 0 } });
    await evictAllDurableObjects();
    await record(job, 1, 250);
    expect(await sums(organizationId)).toEqual({ day: [250, 0], month: [250, 0] });
    expect(await detailOf(job)).toMatchObject({ reservedMicroUsd: 0, issue: { costMicroUsd: 250 } });
    expect(await estimates(organizationId)).toEqual([]);
  });

  test("asked for twice is one, also across an eviction", async () => {
    const job = await claimedJob();
    expect(await reserve(job, 1, 400)).toEqual(reserved);
    await evictAllDurableObjects();
    expect(await reserve(job, 1, 400)).toEqual(reserved);
    expect(await sums(job.issue.organizationId)).toMatchObject({ day: [0, 400] });
  });

  test("is given back whole when the call never reached the model", async () => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    await reserve(job, 1, 400);
    const ref = { ...refOf(job), stepNumber: 1 };
    expect(await objectOf(organizationId).release({ ...ref, stepNumber: 2 })).toEqual({ accepted: true });
    expect(await sums(organizationId)).toMatchObject({ day: [0, 400] });
    expect(await objectOf(organizationId).release(ref)).toEqual({ accepted: true });
    expect(await objectOf(organizationId).release(ref)).toEqual({ accepted: true });
    expect(await sums(organizationId)).toMatchObject({ day: [0, 0] });
  });

  test("is refused by each limit, and fits exactly into what is left", async () => {
    for (const [budgets, by] of [
      [{ job: 1_000 }, "job"],
      [{ day: 1_000 }, "organization_day"],
      [{ day: 1_000, month: 1_000, job: 2_000 }, "organization_day"],
      [{ month: 1_000 }, "organization_month"],
    ] as const) {
      const job = await claimedJob(budgets);
      await reserve(job, 1, 600);
      await record(job, 1, 600);
      expect(await reserve(job, 2, 401)).toEqual(refusedBy(by));
      expect(await reserve(job, 2, 400)).toEqual(reserved);
      await reset();
    }
  });

  test("of an older epoch is stale, and so are its release and its settlement", async () => {
    const job = await claimedJob();
    const organization = objectOf(job.issue.organizationId);
    await organization.yieldSlice(refOf(job));
    expect(await reserve(job, 1, 400)).toEqual({ kind: "stale" });
    const ref = { ...refOf(job), stepNumber: 1 };
    expect(await organization.release(ref)).toEqual({ accepted: false });
    expect(await organization.settle({ ...ref, usage: null })).toEqual({ accepted: false });
  });

  test("asked for again after its call is over changes nothing of the next one", async () => {
    const assignment = await claimedJob({ day: 3_000 });
    const { organizationId } = refOf(assignment);
    await reserve(assignment, 1, 1_000);
    await record(assignment, 1, 400);
    await reserve(assignment, 2, 2_000);
    const before = await sums(organizationId);
    expect(await reserve(assignment, 1, 1_000)).toEqual({ kind: "stale" });
    expect(await sums(organizationId)).toEqual(before);
  });

  test("counts in the day that it was made in, also when it is committed in the next", async () => {
    const job = await claimedJob({ day: 1_000 });
    const { organizationId } = job.issue;
    await reserve(job, 1, 900);
    advanceMs(periodAt("day", testClock.nowMs()).endMs - testClock.nowMs());
    expect(await sums(organizationId)).toEqual({ day: [0, 0], month: [0, 900] });
    await record(job, 1, 800);
    expect(await sums(organizationId)).toEqual({ day: [0, 0], month: [800, 0] });
    expect(await reserve(job, 2, 1_000)).toEqual(reserved);
  });
});

describe("fifty reservations at once", () => {
  test("never exceed the budget, and leave no room that one of them fitted into", async () => {
    const organizationId = mintOrganizationId();
    const jobs = [
      await claimedJob({ day: 1_000, job: 5_000_000 }, organizationId),
      await claim(
        await submit(organizationId, { requestedAgentType: "meta.research" }).then(() =>
          nextJobMessage(organizationId, 1),
        ),
      ),
    ];
    const calls = Array.from({ length: 50 }, (_, index) => ({ job: jobs[index % 2], amount: 300 + index }));
    const answers = await Promise.all(
      calls.flatMap(({ job, amount }, index) => (job === undefined ? [] : [reserve(job, index + 1, amount)])),
    );
    const { day } = await objectOf(organizationId).readBudget({ organizationId });
    expect(day.committedMicroUsd + day.reservedMicroUsd).toBeLessThanOrEqual(1_000);
    expect(1_000 - day.committedMicroUsd - day.reservedMicroUsd).toBeLessThan(349);
    expect(answers.filter(({ kind }) => kind === "reserved")).toHaveLength(3);
    const estimated = (await estimates(organizationId)).reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
    expect(estimated).toBe(day.committedMicroUsd);
  });

  test("for the same call are one", async () => {
    const job = await claimedJob();
    const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(job, 1, 400)));
    expect(answers).toEqual(Array.from({ length: 50 }, () => reserved));
    expect(await sums(job.issue.organizationId)).toEqual({ day: [0, 400], month: [0, 400] });
  });
});

describe("a call without an answer", () => {
  const usage = { inputTokens: 100, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 10 };

  test("is committed with what was seen of it, marked as an estimate", async () => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    await reserve(job, 1, 4_000);
    const settlement = { ...refOf(job), stepNumber: 1, usage };
    expect(await objectOf(organizationId).settle(settlement)).toEqual({ accepted: true });
    expect(await objectOf(organizationId).settle(settlement)).toEqual({ accepted: true });
    // Sonnet: 100 × $2 and 10 × $10 a million.
    expect(await sums(organizationId)).toEqual({ day: [300, 0], month: [300, 0] });
    expect(await estimates(organizationId)).toEqual([
      {
        attempt: 1,
        stepNumber: 1,
        usage,
        costMicroUsd: 300,
        estimated: true,
        jobCostMicroUsd: 300,
        issueCostMicroUsd: 300,
      },
    ]);
    expect((await detailOf(job)).jobs[0]?.costMicroUsd).toBe(300);
  });

  test("never costs more than was set aside, and everything when nothing is known", async () => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    await reserve(job, 1, 200);
    await objectOf(organizationId).settle({ ...refOf(job), stepNumber: 1, usage });
    await reserve(job, 1, 70);
    await objectOf(organizationId).settle({ ...refOf(job), stepNumber: 1, usage: null });
    expect(await sums(organizationId)).toMatchObject({ day: [270, 0] });
  });

  test("of a slice that died is committed whole when its lease ends", async () => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    await reserve(job, 1, 400);
    await evictAllDurableObjects();
    advanceMs(60_000);
    await runAlarm(organizationId);
    expect(await sums(organizationId)).toEqual({ day: [400, 0], month: [400, 0] });
    expect(await estimates(organizationId)).toMatchObject([{ stepNumber: 1, costMicroUsd: 400, usage: null }]);
    const next = await claim(await nextJobMessage(organizationId, 1));
    expect(next.job.costMicroUsd).toBe(400);
    expect(await reserve(next, 1, 400)).toEqual(reserved);
    expect(await sums(organizationId)).toMatchObject({ day: [400, 400] });
    expectNoGaps(await allEvents(organizationId));
  });

  test.each(["yield", "fail", "finish"] as const)("is committed whole by a %s that leaves it open", async (how) => {
    const job = await claimedJob();
    const { organizationId } = job.issue;
    const organization = objectOf(organizationId);
    await reserve(job, 1, 400);
    const ref = refOf(job);
    if (how === "yield") await organization.yieldSlice(ref);
    if (how === "finish") {
      await organization.finish({ ...ref, outcome: { role: "work", summary: "Done." }, artifacts: [] });
    }
    if (how === "fail") {
      const error = { reason: "overloaded", message: "busy" };
      await organization.fail({ ...ref, failureClass: "transient", error, retryAfterMs: null });
    }
    expect(await sums(organizationId)).toEqual({ day: [400, 0], month: [400, 0] });
    expect((await detailOf(job)).jobs[0]?.costMicroUsd).toBe(400);
  });
});

describe("a cancelled job's call", () => {
  const usage = { inputTokens: 100, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 10 };

  async function cancelledCall(): Promise<Assignment> {
    const job = await claimedJob();
    await reserve(job, 1, 4_000);
    const { organizationId, id: issueId } = job.issue;
    const outcome = await objectOf(organizationId).commandIssue({
      organizationId,
      issueId,
      visibility: everything,
      authority: everything,
      command: "cancel",
      actor: "ada",
      reason: null,
    });
    expect(outcome).toMatchObject({ ok: true, value: { issue: { status: "CANCELLED" }, reservedMicroUsd: 4_000 } });
    return job;
  }

  test("costs what its one settlement says, after the cancelled event", async () => {
    const job = await cancelledCall();
    const { organizationId } = job.issue;
    await evictAllDurableObjects();
    expect(await objectOf(organizationId).settle({ ...refOf(job), stepNumber: 1, usage })).toEqual({ accepted: true });
    expect(await sums(organizationId)).toEqual({ day: [300, 0], month: [300, 0] });
    expect(await detailOf(job)).toMatchObject({ issue: { costMicroUsd: 300 }, jobs: [{ costMicroUsd: 300 }] });
  });

  test("costs nothing when it never reached the model", async () => {
    const job = await cancelledCall();
    const { organizationId } = job.issue;
    expect(await objectOf(organizationId).release({ ...refOf(job), stepNumber: 1 })).toEqual({ accepted: true });
    expect(await sums(organizationId)).toMatchObject({ day: [0, 0] });
  });

  test("costs everything set aside for it when nothing is heard in time", async () => {
    const job = await cancelledCall();
    const { organizationId } = job.issue;
    advanceMs(15_001);
    await runAlarm(organizationId);
    expect(await sums(organizationId)).toMatchObject({ day: [4_000, 0] });
    expect(await estimates(organizationId)).toMatchObject([{ usage: null, costMicroUsd: 4_000 }]);
  });
});

describe("an exhausted budget", () => {
  test("refuses submissions until the day ends, holds starts, and lets them go by itself", async () => {
    const job = await claimedJob({ day: 1_000 });
    const { organizationId } = job.issue;
    const organization = objectOf(organizationId);
    const waiting = await submit(organizationId, { requestedAgentType: "meta.research" });
    await reserve(job, 1, 1_000);
    await record(job, 1, 1_000);
    await organization.finish({
      ...refOf(job),
      outcome: { role: "work", summary: "So far." },
      artifacts: [codeChange()],
    });
    expect((await detailOf(job)).waitingFor).toBe("budget");

    const refused = await organization.submit(submitCommand(organizationId));
    expect(refused).toMatchObject({ ok: false, failure: { code: "budget_exhausted" } });
    const endMs = periodAt("day", testClock.nowMs()).endMs;
    const retryAfterMs = (refused.ok ? 0 : (refused.failure.retryAfterSeconds ?? 0)) * 1_000;
    expect(Math.abs(testClock.nowMs() + retryAfterMs - endMs)).toBeLessThan(5_000);
    const ref = { organizationId, issueId: waiting.issueId, visibility: everything };
    expect((await organization.readIssue(ref))?.waitingFor).toBe("budget");

    advanceMs(endMs - testClock.nowMs());
    await runAlarm(organizationId);
    const started = await claim(await nextJobMessage(organizationId, 1));
    expect([waiting.issueId, job.issue.id]).toContain(started.issue.id);
    expect((await organization.submit(submitCommand(organizationId))).ok).toBe(true);
  });

  test("of a month lasts until the month ends", async () => {
    const job = await claimedJob({ month: 1_000 });
    await reserve(job, 1, 1_000);
    await record(job, 1, 1_000);
    const tomorrow = periodAt("day", testClock.nowMs()).endMs;
    const nextMonth = periodAt("month", testClock.nowMs()).endMs;
    advanceMs(tomorrow - testClock.nowMs());
    expect(await reserve(job, 2, 1)).toEqual(refusedBy("organization_month"));
    advanceMs(nextMonth - testClock.nowMs());
    expect(await reserve(job, 2, 1)).toEqual(reserved);
  });

  test("is open again as soon as the platform raises it", async () => {
    const job = await claimedJob({ day: 1_000 });
    const { organizationId } = job.issue;
    await reserve(job, 1, 900);
    await record(job, 1, 900);
    expect(await reserve(job, 2, 200)).toEqual(refusedBy("organization_day"));
    expect((await objectOf(organizationId).submit(submitCommand(organizationId))).ok).toBe(false);
    await objectOf(organizationId).applyTerms({
      ...termsFor(organizationId, { dailyBudgetMicroUsd: 2_000 }),
      version: 2,
    });
    expect((await objectOf(organizationId).submit(submitCommand(organizationId))).ok).toBe(true);
    expect(await reserve(job, 2, 200)).toEqual(reserved);
  });
});

describe("four fifths of a budget", () => {
  test("are told once a day and once a month, and new jobs get the cheaper model", async () => {
    const job = await claimedJob({ day: 1_000, month: 2_000 });
    const { organizationId } = job.issue;
    const alerts = async () =>
      (await allEvents(organizationId)).flatMap((event) =>
        event.type === "budget.alert" ? [[event.data.period, event.data.committedMicroUsd]] : [],
      );
    await record(job, 1, 799);
    expect(await alerts()).toEqual([]);
    await record(job, 2, 1);
    await record(job, 3, 1);
    expect(await alerts()).toEqual([["day", 800]]);

    const { issueId } = await submit(organizationId, { requestedAgentType: "meta.research" });
    const detail = await objectOf(organizationId).readIssue({ organizationId, issueId, visibility: everything });
    expect(detail?.jobs[0]).toMatchObject({ model: "haiku" });
    expect(detail?.jobs[0]?.modelReason).toContain("most of the budget is spent");

    advanceMs(24 * hourMs);
    const renewed = await objectOf(organizationId).renewLease(refOf(job));
    expect(renewed).toEqual({ accepted: true });
    await record(job, 4, 799);
    await record(job, 5, 1);
    expect(await alerts()).toEqual([
      ["day", 800],
      ["month", 1_600],
      ["day", 800],
    ]);
  });
});

describe("a job's ceilings", () => {
  test("are carried from job to job of an issue", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, { maxCostMicroUsd: 4_321 });
    const triageJob = await runJob(organizationId, 0, triaged);
    const workJob = await runJob(organizationId, 1, { role: "work", summary: "Done." }, [codeChange()]);
    const review = await claim(await nextJobMessage(organizationId, 2));
    for (const { job } of [triageJob, workJob, review]) expect(job.config["maxCostMicroUsd"]).toBe(4_321);
    expect(await reserve(review, 1, 4_322)).toEqual(refusedBy("job"));
  });

  test("count the time of earlier slices, of silent ones to the end of their lease, and the steps of earlier attempts", async () => {
    const first = await claimedJob();
    const { organizationId } = first.issue;
    const organization = objectOf(organizationId);
    expect(first.used).toEqual({ earlierSteps: 0, ranForMs: 0, tokenCount: 0 });
    await record(first, 1, 10);
    await organization.yieldSlice(refOf(first));

    const second = await claim(await nextJobMessage(organizationId, 1));
    expect(second.attempt.lastUsage).toEqual(modelStep(second, 1).usage);
    const { leaseMs } = parseSchedulingSettings(env).timings;
    advanceMs(10 * leaseMs);
    await runAlarm(organizationId);
    const third = await claim(await nextJobMessage(organizationId, 2));
    expect(third.used.ranForMs).toBeGreaterThanOrEqual(leaseMs);
    expect(third.used.ranForMs).toBeLessThan(5 * leaseMs);

    const error = { reason: "stuck", message: "no way on" };
    await organization.fail({ ...refOf(third), failureClass: "permanent", error, retryAfterMs: null });
    const fourth = await claim(await nextJobMessage(organizationId, 3));
    expect(fourth).toMatchObject({ attempt: { number: 2, stepCount: 0, lastUsage: null }, used: { earlierSteps: 1 } });
  });
});

test("a storage without money is brought up to date: its running job goes on, and counts its time from its last change", async () => {
  const job = await claimedJob();
  const { organizationId } = job.issue;
  const withoutMoney = "json_remove(state, '$.ranForMs', '$.sliceStartedAtMs')";
  await runInDurableObject(env.ORGANIZATIONS.getByName(organizationId), (_object, { storage: { sql } }) => {
    sql.exec(`DROP TABLE spending; DROP TABLE reservations; UPDATE jobs SET state = ${withoutMoney}`);
    sql.exec(budgetMigration);
  });
  await evictAllDurableObjects();
  expect(await reserve(job, 1, 400)).toEqual(reserved);
  advanceMs(1_000);
  await objectOf(organizationId).yieldSlice(refOf(job));
  const next = await claim(await nextJobMessage(organizationId, 1));
  expect(next.used.ranForMs).toBeGreaterThanOrEqual(1_000);
  expect(next.used.ranForMs).toBeLessThan(60_000);
});

type Command =
  | { readonly kind: "reserve"; readonly amount: number }
  | { readonly kind: "answer"; readonly share: number }
  | { readonly kind: "release" | "lose" | "evict" | "day" };

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant("reserve" as const), amount: fc.integer({ min: 1, max: 600 }) }),
  fc.record({ kind: fc.constant("answer" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constantFrom("release" as const, "lose" as const, "evict" as const, "day" as const) }),
);

/** What the object must say, kept the plain way. */
class BudgetModel {
  readonly limits = { day: 1_000, month: 2_500, job: 1_800 };
  stepNumber = 1;
  #spent = 0;
  #spentToday = 0;
  #open: { readonly amount: number; readonly isOfToday: boolean } | null = null;

  get open(): number {
    return this.#open?.amount ?? 0;
  }

  reserve(amount: number): ReserveAnswer {
    if (this.#spent + amount > this.limits.job) return refusedBy("job");
    if (this.#spentToday + amount > this.limits.day) return refusedBy("organization_day");
    if (this.#spent + amount > this.limits.month) return refusedBy("organization_month");
    this.#open = { amount, isOfToday: true };
    return reserved;
  }

  close(costMicroUsd: number): void {
    this.#spent += costMicroUsd;
    if (this.#open?.isOfToday === true) this.#spentToday += costMicroUsd;
    this.#open = null;
  }

  nextDay(): void {
    this.#spentToday = 0;
    if (this.#open !== null) this.#open = { ...this.#open, isOfToday: false };
  }

  sums(): Awaited<ReturnType<typeof sums>> {
    const openToday = this.#open?.isOfToday === true ? this.open : 0;
    return { day: [this.#spentToday, openToday], month: [this.#spent, this.open] };
  }
}

/** Does to the object and to the model what the command says, if a slice could do it now; whether they answer alike. */
async function apply(command: Command, model: BudgetModel, job: Assignment): Promise<boolean> {
  const organization = objectOf(job.issue.organizationId);
  const { stepNumber, open } = model;
  const call = { ...refOf(job), stepNumber };
  if (command.kind === "evict") await evictAllDurableObjects();
  else if (command.kind === "day") {
    advanceMs(24 * hourMs);
    model.nextDay();
  } else if (command.kind === "reserve") {
    if (open > 0) return true;
    const expected = JSON.stringify(model.reserve(command.amount));
    return JSON.stringify(await reserve(job, stepNumber, command.amount)) === expected;
  } else if (open === 0) return true;
  else if (command.kind === "answer") {
    const costMicroUsd = Math.floor(open * command.share);
    await record(job, stepNumber, costMicroUsd);
    model.stepNumber += 1;
    model.close(costMicroUsd);
  } else if (command.kind === "lose") {
    await organization.settle({ ...call, usage: null });
    model.close(open);
  } else {
    await organization.release(call);
    model.close(0);
  }
  return true;
}

test("committed and reserved follow a plain model, and never exceed a budget", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(commands, { minLength: 5, maxLength: 20 }), async (sequence) => {
        const model = new BudgetModel();
        const job = await claimedJob(model.limits);
        for (const command of sequence) {
          expect(await apply(command, model, job)).toBe(true);
          const { day, month } = await sums(job.issue.organizationId);
          expect({ day, month }).toEqual(model.sums());
          expect(day.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(model.limits.day);
        }
        const outcome = { role: "work", summary: "Done." } as const;
        await objectOf(job.issue.organizationId).finish({ ...refOf(job), outcome, artifacts: [] });
      })
      .beforeEach(toQuietTime),
    { numRuns: 15 },
  );
});
