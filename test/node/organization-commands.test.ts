/** What may be asked of an issue when, as tables; and what the table of job transitions makes of it, by properties. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { effectStatuses, isLegalJobTransition, issueStatuses, jobStatuses } from "../../src/contracts/status.ts";
import {
  type CommandedEffect,
  type CommandedJob,
  decideCancel,
  decidePause,
  decideResume,
  decideRetry,
} from "../../src/durable-objects/organization/command-decision.ts";
import { decideLostSlice, poisonousLosses } from "../../src/durable-objects/organization/retry.ts";
import { maySettle, signalFor } from "../../src/durable-objects/organization/job-state.ts";
import { jobStateOf } from "../support/job-state-fixture.ts";

type JobChange = Partial<CommandedJob["record"]> & Pick<Partial<CommandedJob>, "signal">;

function job(status: CommandedJob["record"]["status"], { signal = null, ...record }: JobChange = {}): CommandedJob {
  const pausedReason = status === "PAUSED" ? "operator" : null;
  return { signal, record: { id: "job_1", status, pausedReason, retryOf: null, ...record } };
}

function effect(
  status: CommandedEffect["record"]["status"],
  record: Partial<CommandedEffect["record"]> = {},
): CommandedEffect {
  return { record: { id: "eff_1", status, attempts: 0, redriveOf: null, ...record } };
}

describe("cancel", () => {
  test.each([
    ["QUEUED", [job("PENDING")], [], "cancel"],
    ["PROCESSING", [job("COMPLETED"), job("RUNNING")], [], "cancel"],
    ["PROCESSING", [job("PAUSED", { pausedReason: "question" })], [], "cancel"],
    ["REVIEW", [job("COMPLETED")], [], "cancel"],
    ["PROCESSING", [job("COMPLETED")], [effect("PENDING")], "cancel"],
    ["PROCESSING", [job("COMPLETED")], [effect("RUNNING", { attempts: 1 })], "refuse"],
    ["PROCESSING", [job("COMPLETED")], [effect("PENDING", { attempts: 1 })], "refuse"],
    ["CANCELLED", [job("CANCELLED")], [], "repeat"],
    ["COMPLETED", [job("COMPLETED")], [], "refuse"],
    ["FAILED", [job("FAILED")], [], "refuse"],
  ] as const)("of a %s issue (%#) is decided", (status, jobs, effects, kind) => {
    expect(decideCancel(status, jobs, effects).kind).toBe(kind);
  });

  test("ends what is alive and nothing else", () => {
    const jobs = [job("COMPLETED"), job("RUNNING"), job("PENDING")];
    const effects = [effect("FAILED", { attempts: 8 }), effect("PENDING", { redriveOf: "eff_0" })];
    expect(decideCancel("PROCESSING", jobs, effects)).toEqual({
      kind: "cancel",
      jobs: jobs.slice(1),
      effects: effects.slice(1),
    });
  });
});

describe("pause and resume", () => {
  test.each([
    ["a waiting job", job("PENDING"), "pause", "repeat"],
    ["a running job", job("RUNNING"), "pause", "repeat"],
    ["a running job that will yield", job("RUNNING", { signal: "yield" }), "pause", "repeat"],
    ["a running job that will pause", job("RUNNING", { signal: "pause" }), "repeat", "resume"],
    ["a paused job", job("PAUSED"), "repeat", "resume"],
    ["a job that waits for an answer", job("PAUSED", { pausedReason: "question" }), "refuse", "refuse"],
    ["a finished job", job("COMPLETED"), "refuse", "refuse"],
    ["a failed job", job("FAILED"), "refuse", "refuse"],
  ] as const)("of %s", (_what, each, pause, resume) => {
    expect(decidePause("PROCESSING", [each]).kind).toBe(pause);
    expect(decideResume("PROCESSING", [each]).kind).toBe(resume);
  });
});

describe("retry", () => {
  const failed = job("FAILED");
  const again = (status: CommandedJob["record"]["status"]) => job(status, { id: "job_2", retryOf: "job_1" });

  test.each([
    ["FAILED", [failed], [], "retry"],
    ["CANCELLED", [job("CANCELLED")], [], "retry"],
    ["QUEUED", [failed, again("PENDING")], [], "repeat"],
    ["COMPLETED", [failed, again("COMPLETED")], [], "repeat"],
    ["FAILED", [failed, again("FAILED")], [], "retry"],
    ["FAILED", [job("COMPLETED")], [effect("FAILED", { attempts: 8 })], "retry"],
    [
      "PROCESSING",
      [job("COMPLETED")],
      [effect("FAILED"), effect("PENDING", { id: "e2", redriveOf: "eff_1" })],
      "repeat",
    ],
    ["COMPLETED", [job("COMPLETED")], [], "refuse"],
    ["PROCESSING", [job("RUNNING")], [], "refuse"],
    ["CANCELLED", [job("COMPLETED")], [], "refuse"],
  ] as const)("of a %s issue (%#) is decided", (status, jobs, effects, kind) => {
    expect(decideRetry(status, jobs, effects).kind).toBe(kind);
  });

  test("takes up only what nothing has taken up", () => {
    const last = again("FAILED");
    expect(decideRetry("FAILED", [failed, last], [])).toEqual({ kind: "retry", jobs: [last], effects: [] });
  });
});

describe("every command", () => {
  const anyJob = fc.record({
    signal: fc.constantFrom(null, "pause" as const, "yield" as const),
    record: fc.record({
      id: fc.constantFrom("job_1", "job_2", "job_3"),
      status: fc.constantFrom(...jobStatuses),
      pausedReason: fc.constantFrom(null, "operator" as const, "question" as const),
      retryOf: fc.constantFrom(null, "job_1", "job_2"),
    }),
  });
  const anyEffect = fc.record({
    record: fc.record({
      id: fc.constantFrom("eff_1", "eff_2"),
      status: fc.constantFrom(...effectStatuses),
      attempts: fc.nat(3),
      redriveOf: fc.constantFrom(null, "eff_1"),
    }),
  });
  const anyIssue = fc.record({
    status: fc.constantFrom(...issueStatuses),
    jobs: fc.array(anyJob, { maxLength: 4 }),
    effects: fc.array(anyEffect, { maxLength: 3 }),
  });

  test("touches only jobs that the table of transitions lets it move, and no effect that has left", () => {
    fc.assert(
      fc.property(anyIssue, ({ status, jobs, effects }) => {
        const cancel = decideCancel(status, jobs, effects);
        const pause = decidePause(status, jobs);
        const retry = decideRetry(status, jobs, effects);
        const statuses = (parts: readonly { readonly record: { readonly status: string } }[]) =>
          new Set(parts.map(({ record }) => record.status));
        const cancelled = cancel.kind === "cancel" ? cancel : { jobs: [], effects: [] };
        const paused = pause.kind === "pause" ? pause.jobs : [];
        const retried = retry.kind === "retry" ? [...retry.jobs, ...retry.effects] : [];
        expect(jobStatuses.filter((from) => isLegalJobTransition(from, "CANCELLED"))).toEqual(
          expect.arrayContaining([...statuses(cancelled.jobs)]),
        );
        expect(cancelled.effects.filter(({ record }) => record.attempts > 0)).toEqual([]);
        expect(jobStatuses.filter((from) => isLegalJobTransition(from, "PAUSED"))).toEqual(
          expect.arrayContaining([...statuses(paused)]),
        );
        expect(["FAILED", "CANCELLED"]).toEqual(expect.arrayContaining([...statuses(retried)]));
        expect(retry.kind === "retry").toBe(retried.length > 0);
      }),
    );
  });
});

describe("a slice", () => {
  test("that falls silent is followed by another, until too many in a row have", () => {
    expect(decideLostSlice(1)).toEqual({ kind: "run_again" });
    expect(decideLostSlice(poisonousLosses - 1)).toEqual({ kind: "run_again" });
    expect(decideLostSlice(poisonousLosses)).toEqual({ kind: "give_up", reason: "poison" });
  });

  const running = jobStateOf({ status: "RUNNING" }, { epoch: 2, leaseUntilMs: 1_000 });
  const cancelled = jobStateOf(
    { status: "CANCELLED" },
    { epoch: 2, leaseUntilMs: null, signal: "cancel", settleUntilMs: 500 },
  );
  test.each([
    ["no job", null, 1, "stale"],
    ["an older epoch", running, 1, "stale"],
    ["its own job", running, 2, "none"],
    ["a job that shall pause", { ...running, signal: "pause" }, 2, "pause"],
    ["a job that shall yield", { ...running, signal: "yield" }, 2, "yield"],
    ["a job between slices", { ...running, leaseUntilMs: null }, 2, "stale"],
    ["a cancelled job", cancelled, 2, "cancel"],
    ["a job that a switch aborted", { ...cancelled, signal: "abort" }, 2, "abort"],
    ["a cancelled job of another epoch", cancelled, 1, "stale"],
  ] as const)("of %s is told what holds", (_what, state, epoch, kind) => {
    expect(signalFor(state, epoch)).toBe(kind);
  });

  test.each([
    ["holds the job", running, 2, 9_999, true],
    ["held it when it was cancelled", cancelled, 2, 500, true],
    ["held it too long ago", cancelled, 2, 501, false],
    ["never held it", cancelled, 1, 100, false],
    ["has settled", { ...cancelled, settleUntilMs: null }, 2, 100, false],
  ] as const)("that %s may settle a call or not", (_what, state, epoch, nowMs, expected) => {
    expect(maySettle(state, epoch, nowMs)).toBe(expected);
  });
});
