import { describe, expect, it } from "vitest";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { StepRecord } from "../../src/contracts/records.ts";
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

  it("replaces the suite's own ids by the names it gives them", () => {
    const history = { events: [], detail: { branch: "agent/org-org_a/1", by: "user_b" }, rows: {} };

    expect(normalizeHistory(history, { org_a: "ORG", user_b: "STAFF" }).detail).toEqual({
      branch: "agent/org-ORG/1",
      by: "STAFF",
    });
  });
});
