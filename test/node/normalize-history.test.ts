import { describe, expect, it } from "vitest";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { JobError, StepRecord } from "../../src/contracts/records.ts";
import type { IssueStatus, JobStatus } from "../../src/contracts/status.ts";
import { noUsage } from "../../src/core/money.ts";
import { newId } from "../../src/core/ids.ts";
import { normalizeHistory, type RunHistory } from "../support/normalize-history.ts";

/** One run's history; what is drawn here anew differs between equal runs. */
function historyOf(run: { readonly atMs: number; readonly slices: number; readonly pullRequest: number }): RunHistory {
  const issueId = newId("issue", run.atMs);
  const jobId = newId("job", run.atMs);
  const base = { atMs: run.atMs, issueId, jobId };
  const slices = Array.from({ length: run.slices }, (_, index): OrganizationEvent => {
    const data = { epoch: index + 1, dispatchId: newId("dispatch", run.atMs) };
    return { ...base, seq: index + 1, type: "job.slice_started", data };
  });
  const changed: OrganizationEvent = {
    ...base,
    seq: run.slices + 1,
    type: "issue.status_changed",
    data: { from: "QUEUED", status: "PROCESSING" },
  };
  const url = `http://127.0.0.1:${run.atMs % 60_000}/acme/erp/pull/${run.pullRequest}`;
  return {
    events: [...slices, changed],
    detail: { id: issueId, createdAt: new Date(run.atMs).toISOString(), costMicroUsd: 12, branch: `agent/${issueId}` },
    rows: { effects: [{ jobId, result: { number: run.pullRequest, url, branch: `agent/${issueId}` }, stepNumber: 3 }] },
  };
}

function recordedStep(jobId: string): StepRecord {
  return {
    jobId,
    attempt: 1,
    number: 1,
    kind: "model",
    name: "claude-haiku-5-5",
    input: "in",
    inputCharacters: 2,
    output: "out",
    isError: false,
    policy: null,
    startedAtMs: 0,
    durationMs: 1,
    usage: noUsage,
    reservedMicroUsd: 700,
    costMicroUsd: 12,
    stopReason: "end_turn",
  };
}

/** A job's moves, each with its issue's, between the slices that are told with them. */
function movesOf(
  moves: readonly (readonly ["slice starts" | "slice ends"] | readonly [JobStatus, JobStatus, JobError?])[],
): RunHistory {
  const base = { atMs: 1, issueId: "iss_01JDXK3V0A0000000000000000", jobId: "job_01JDXK3V0A0000000000000000" };
  const shown = (status: JobStatus): IssueStatus => {
    if (status === "PENDING") return "QUEUED";
    return status === "RUNNING" || status === "PAUSED" ? "PROCESSING" : status;
  };
  const events = moves.flatMap(([what, status, error = null]): readonly OrganizationEvent[] => {
    if (what === "slice starts")
      return [{ ...base, seq: 1, type: "job.slice_started", data: { epoch: 1, dispatchId: "dsp" } }];
    if (what === "slice ends")
      return [{ ...base, seq: 1, type: "job.slice_ended", data: { epoch: 1, how: "yielded" } }];
    if (status === undefined) return [];
    const rest = { pausedReason: null, attempts: 1, startedAtMs: 1, completedAtMs: null, error, result: null };
    const ofIssue = { from: shown(what), status: shown(status) };
    return [
      { ...base, seq: 1, type: "job.status_changed", data: { from: what, status, ...rest } },
      ...(ofIssue.from === ofIssue.status
        ? []
        : [{ ...base, jobId: null, seq: 1, type: "issue.status_changed", data: ofIssue } as const]),
    ];
  });
  return { events, detail: null, rows: {} };
}

describe("normalizeHistory", () => {
  it("makes two runs equal that differ in ids, times, slices and the number of their pull request", () => {
    const calm = normalizeHistory(historyOf({ atMs: 1_795_000_000_000, slices: 1, pullRequest: 1 }), {});
    const disturbed = normalizeHistory(historyOf({ atMs: 1_795_000_777_123, slices: 3, pullRequest: 9 }), {});

    expect(disturbed).toEqual(calm);
    expect(calm.events).toEqual([
      {
        seq: 1,
        atMs: "time",
        issueId: "iss#1",
        jobId: "job#1",
        type: "issue.status_changed",
        data: { from: "QUEUED", status: "PROCESSING" },
      },
    ]);
    expect(calm.detail).toEqual({ id: "iss#1", createdAt: "time", costMicroUsd: 12, branch: "agent/iss#1" });
  });

  it("keeps what two equal runs agree in", () => {
    const calm = historyOf({ atMs: 1_795_000_000_000, slices: 1, pullRequest: 1 });
    const dearer = { ...calm, detail: { costMicroUsd: 13 } };
    const shorter = { ...calm, events: calm.events.slice(0, 1) };

    expect(normalizeHistory(dearer, {})).not.toEqual(normalizeHistory(calm, {}));
    expect(normalizeHistory(shorter, {})).not.toEqual(normalizeHistory(calm, {}));
  });

  it("takes what was charged by estimate out of every sum", () => {
    const history = (estimates: readonly number[]): RunHistory => {
      const [issueId, jobId] = ["iss_01JDXK3V0A0000000000000000", "job_01JDXK3V0A0000000000000000"];
      const base = { atMs: 1, issueId, jobId };
      const sum = estimates.reduce((total, each) => total + each, 0);
      const lost = estimates.map((costMicroUsd, index): OrganizationEvent => {
        const sums = { jobCostMicroUsd: costMicroUsd, issueCostMicroUsd: costMicroUsd };
        const data = { attempt: 1, stepNumber: 1, usage: null, costMicroUsd, estimated: true, ...sums } as const;
        return { ...base, seq: index + 1, type: "job.cost_estimated", data };
      });
      const step: OrganizationEvent = {
        ...base,
        seq: lost.length + 1,
        type: "step.recorded",
        data: { step: recordedStep(jobId), jobCostMicroUsd: 12 + sum, issueCostMicroUsd: 12 + sum },
      };
      return {
        events: [...lost, step],
        detail: { id: issueId, costMicroUsd: 12 + sum, jobs: [{ id: jobId, costMicroUsd: 12 + sum }] },
        rows: { jobs: [{ id: jobId, issueId, costMicroUsd: String(12 + sum) }] },
      };
    };

    expect(normalizeHistory(history([700, 5]), {})).toEqual(normalizeHistory(history([]), {}));
  });

  it("takes out that a job gave its slot back and took one up again, whatever failed before", () => {
    const begun = [["PENDING", "RUNNING"], ["slice starts"]] as const;
    const ended = ["RUNNING", "COMPLETED"] as const;
    const calm = normalizeHistory(movesOf([...begun, ended]), {});
    const error = { reason: "transient", message: "Out of reach." };
    const rest = [
      ["slice ends"],
      ["RUNNING", "PENDING", error],
      ["PENDING", "RUNNING", error],
      ["slice starts"],
    ] as const;

    expect(normalizeHistory(movesOf([...begun, ...rest, ...rest, ended]), {})).toEqual(calm);
    expect(calm.events).toHaveLength(4);
  });

  it("keeps a job's waiting after a failure, and its issue's", () => {
    const begun = [["PENDING", "RUNNING"], ["slice starts"]] as const;
    const failed = [["RUNNING", "PENDING"], ["PENDING", "RUNNING"], ["slice starts"]] as const;
    const rest = [["slice ends"], ["RUNNING", "PENDING"], ["PENDING", "RUNNING"], ["slice starts"]] as const;

    const history = normalizeHistory(movesOf([...begun, ...failed]), {});
    expect(history.events).toHaveLength(6);
    expect(normalizeHistory(movesOf([...begun, ...rest, ...failed]), {})).toEqual(history);
  });

  it("keeps the end of a job that rests", () => {
    const begun = [["PENDING", "RUNNING"], ["slice starts"]] as const;
    const cancelled = movesOf([...begun, ["slice ends"], ["RUNNING", "PENDING"], ["PENDING", "CANCELLED"], ...begun]);

    expect(normalizeHistory(cancelled, {}).events).toMatchObject([
      { data: { status: "RUNNING" } },
      { data: { status: "PROCESSING" } },
      { data: { from: "PENDING", status: "CANCELLED" } },
      { data: { from: "QUEUED", status: "CANCELLED" } },
      { data: { from: "PENDING", status: "RUNNING" } },
      { data: { from: "QUEUED", status: "PROCESSING" } },
    ]);
  });

  it("replaces the suite's own ids by the names it gives them", () => {
    const history = { events: [], detail: { branch: "agent/org-org_a/1", by: "user_b" }, rows: {} };

    expect(normalizeHistory(history, { org_a: "ORG", user_b: "STAFF" }).detail).toEqual({
      branch: "agent/org-ORG/1",
      by: "STAFF",
    });
  });
});
