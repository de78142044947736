import { describe, expect, test } from "vitest";
import type { ReviewDecision } from "../../src/contracts/organization-rpc.ts";
import type { ReviewRecord } from "../../src/contracts/records.ts";
import { decideCheckpoint } from "../../src/durable-objects/organization/checkpoint-decision.ts";
import { contentHashOf } from "../../src/durable-objects/organization/content-hash.ts";
import { approverOf, mustBeReviewed, nextStep } from "../../src/durable-objects/organization/next-step.ts";
import { planPullRequest } from "../../src/durable-objects/organization/pull-request-plan.ts";
import { backOffMs, decideEffectRetry, decideJobFailure } from "../../src/durable-objects/organization/retry.ts";
import { decideReview } from "../../src/durable-objects/organization/review-decision.ts";
import { canSeeIssuesOf } from "../../src/contracts/issue-filter.ts";

const nowMs = Date.UTC(2026, 10, 22, 18, 30);
const minuteMs = 60_000;

describe("failure", () => {
  const failure = {
    failureClass: "transient",
    retryAfterMs: null,
    transientFailures: 0,
    transientForMs: 0,
    attempts: 1,
    maxAttempts: 3,
    fallbackModel: null,
    isOutOfReach: false,
  } as const;

  test("backs off ever longer, with jitter, up to five minutes, and never before it was asked to", () => {
    expect(backOffMs(0, null, 0)).toBe(500);
    expect(backOffMs(0, null, 1)).toBe(1_000);
    expect(backOffMs(3, null, 1)).toBe(8_000);
    expect(backOffMs(40, null, 1)).toBe(5 * minuteMs);
    expect(backOffMs(0, 30_000, 1)).toBe(30_000);
  });

  test.each([
    ["a short transient wait keeps the slot", {}, { kind: "wait", delayMs: 1_000, keepSlot: true }],
    ["five seconds still do", { retryAfterMs: 5_000 }, { kind: "wait", delayMs: 5_000, keepSlot: true }],
    ["a longer one does not", { retryAfterMs: 5_001 }, { kind: "wait", delayMs: 5_001, keepSlot: false }],
    [
      "a provider that stays away for a day ends the job",
      { transientForMs: 24 * 60 * minuteMs },
      { kind: "give_up", reason: "provider_unavailable" },
    ],
    [
      "a provider that stays away is left for the fall-back model",
      { transientFailures: 2, fallbackModel: "haiku" as const },
      { kind: "fall_back", model: "haiku" },
    ],
    [
      "but not at once",
      { transientFailures: 1, fallbackModel: "haiku" as const },
      { kind: "wait", delayMs: 2_000, keepSlot: true },
    ],
    [
      "unless others cannot reach the model either",
      { isOutOfReach: true, fallbackModel: "haiku" as const },
      { kind: "fall_back", model: "haiku" },
    ],
    [
      "which changes nothing where there is no other",
      { isOutOfReach: true },
      { kind: "wait", delayMs: 1_000, keepSlot: true },
    ],
    [
      "a day is over for the fall-back model as well",
      { transientForMs: 24 * 60 * minuteMs, isOutOfReach: true, fallbackModel: "haiku" as const },
      { kind: "give_up", reason: "provider_unavailable" },
    ],
    ["a permanent one begins an attempt", { failureClass: "permanent" as const }, { kind: "new_attempt" }],
    [
      "the last permanent one ends the job",
      { failureClass: "permanent" as const, attempts: 3 },
      { kind: "give_up", reason: null },
    ],
    ["a final one ends it at once", { failureClass: "final" as const }, { kind: "give_up", reason: null }],
  ])("%s", (_name, changes, decision) => {
    expect(decideJobFailure({ ...failure, ...changes }, 1)).toEqual(decision);
  });

  test("an effect is tried eight times", () => {
    expect(decideEffectRetry(1, null, 1)).toEqual({ kind: "wait", delayMs: 1_000 });
    expect(decideEffectRetry(7, null, 1)).toEqual({ kind: "wait", delayMs: 64_000 });
    expect(decideEffectRetry(8, null, 1)).toEqual({ kind: "give_up" });
  });
});

describe("next step", () => {
  const triage = {
    role: "triage",
    triage: {
      type: "BUG",
      priority: "LOW",
      module: "briefs",
      complexity: 1,
      agent: "briefs.x",
      confidence: 1,
      reason: "",
      estimate: { costMicroUsd: 0, durationSeconds: 0 },
    },
    byRules: false,
    next: { agentType: "briefs.x", model: "haiku", modelReason: "simple" },
  } as const;
  const work = { role: "work", summary: "done" } as const;
  const pass = { role: "review", decision: "pass", summary: "fine" } as const;
  const sendBack = { role: "review", decision: "send_back", summary: "no test" } as const;
  const change = { artifactId: "art_1", approver: { kind: "platform" } as const, isRevision: false };
  const refused = { ...change, approver: { kind: "refused", path: ".env", reason: "secret" } as const };

  test.each([
    ["triage leads to its agent's work", triage, null, { kind: "start_work", job: triage.next }],
    ["work without a change is done", work, null, { kind: "done" }],
    ["a change is reviewed by an agent", work, change, { kind: "review_change", artifactId: "art_1" }],
    ["a refused path ends it", work, refused, { kind: "refuse", path: ".env", reason: "secret" }],
    ["a pass opens a review", pass, change, { kind: "open_review", artifactId: "art_1", approver: "platform" }],
    [
      "the first send-back repeats the work",
      sendBack,
      change,
      { kind: "send_back", artifactId: "art_1", note: "no test" },
    ],
    [
      "the second opens a review",
      sendBack,
      { ...change, isRevision: true },
      { kind: "open_review", artifactId: "art_1", approver: "platform" },
    ],
  ] as const)("%s", (_name, outcome, proposed, step) => {
    expect(nextStep(outcome, proposed)).toEqual(step);
  });

  test("knows what must be reviewed, and by whom", () => {
    expect(mustBeReviewed("CONFIG")).toBe(true);
    expect(mustBeReviewed("ANALYSIS")).toBe(false);
    expect(approverOf("ERP_CHANGE", [], "acme")).toEqual({ kind: "organization" });
    expect(approverOf("CODE_CHANGE", ["config/tenants/acme.config.ts"], "acme")).toEqual({ kind: "organization" });
    expect(approverOf("CODE_CHANGE", ["src/a.ts"], "acme")).toEqual({ kind: "platform" });
  });
});

describe("checkpoint", () => {
  const withStep = (number: number) => ({ steps: [{ number }] });
  test.each([
    ["the next step", withStep(3), {}, { kind: "apply" }],
    ["a recorded step", withStep(2), {}, { kind: "repeat" }],
    ["a step too far", withStep(4), {}, { kind: "gap", expected: 3, got: 4 }],
    ["no step", { steps: [] }, {}, { kind: "apply" }],
    ["no step again", { steps: [] }, { isLastStepless: true }, { kind: "repeat" }],
    ["messages that were heard before", { steps: [] }, { isHeard: true }, { kind: "repeat" }],
  ])("with %s", (_name, checkpoint, known, decision) => {
    const facts = { stepsRecorded: 2, isLastStepless: false, isHeard: false, ...known };
    expect(decideCheckpoint(checkpoint, facts)).toEqual(decision);
  });
});

describe("review decision", () => {
  const review: ReviewRecord = {
    id: "rev_1",
    issueId: "iss_1",
    artifactId: "art_1",
    status: "OPEN",
    approver: "platform",
    contentHash: "hash",
    agentVerdict: null,
    decidedBy: null,
    decidedAtMs: null,
    note: null,
    expiresAtMs: nowMs + 1,
    createdAtMs: 0,
  };
  const decision: ReviewDecision = {
    organizationId: "org",
    reviewId: "rev_1",
    decision: "approve",
    note: null,
    contentHash: "hash",
    decidedBy: "ada",
    actingAs: ["platform"],
    deciderIds: ["ada-id"],
  };
  const closed = { status: "APPROVED", decidedBy: "ada" } as const;

  test.each([
    ["approves", {}, {}, "approve"],
    ["rejects", { decision: "reject" as const }, {}, "reject"],
    ["asks for changes", { decision: "request_changes" as const, note: "Add a test." }, {}, "request_changes"],
    ["asks for changes without saying which", { decision: "request_changes" as const }, {}, "refuse"],
    ["repeats", {}, closed, "repeat"],
    ["is too late", {}, { expiresAtMs: nowMs }, "expired"],
    ["needs the right approver", { actingAs: ["organization" as const] }, {}, "refuse"],
    ["needs another person", { deciderIds: ["creator"] }, {}, "refuse"],
    ["needs the content seen", { contentHash: "other" }, {}, "refuse"],
    ["meets another person's decision", { decidedBy: "bob" }, closed, "refuse"],
    ["cannot be turned round", { decision: "reject" as const }, closed, "refuse"],
  ])("%s", (_name, decided, reviewed, kind) => {
    expect(decideReview({ ...decision, ...decided }, { ...review, ...reviewed }, "creator", nowMs).kind).toBe(kind);
  });
});

describe("content hash", () => {
  const change = {
    content: "why",
    diffPatch: "patch",
    files: [
      { path: "b", content: "2" },
      { path: "a", content: null },
    ],
  };
  test("is the same for the same change, in whatever order its files come", () => {
    expect(contentHashOf({ ...change, files: change.files.toReversed() })).toBe(contentHashOf(change));
    expect(contentHashOf(change)).toMatch(/^[0-9a-f]{64}$/u);
  });
  test.each([
    ["the words", { content: "other" }],
    ["the patch", { diffPatch: null }],
    [
      "a file's content",
      {
        files: [
          { path: "b", content: "3" },
          { path: "a", content: null },
        ],
      },
    ],
    [
      "a deletion for an empty file",
      {
        files: [
          { path: "b", content: "2" },
          { path: "a", content: "" },
        ],
      },
    ],
    [
      "where a path ends",
      {
        files: [
          { path: "b2", content: "" },
          { path: "a", content: null },
        ],
      },
    ],
  ])("differs with %s", (_name, changes) => {
    expect(contentHashOf({ ...change, ...changes })).not.toBe(contentHashOf(change));
  });
});

describe("pull request plan", () => {
  const repository = { owner: "spokestack", name: "erp" };
  const artifact = {
    id: "art_1",
    jobId: "job_1",
    issueId: "iss_1",
    type: "CODE_CHANGE" as const,
    name: "Fix",
    contentBodyId: "art_1:content",
    filePath: null,
    diffPatchBodyId: null,
    metadata: { title: "Fix briefs", baseCommit: "c0ffee", baseBranch: "main", repository },
    createdAtMs: 0,
  };
  const view = { artifact, content: "Because.", diffPatch: null };
  const approval = { ordinal: 1, decidedAtMs: nowMs };

  test("holds everything that commit and pull request are made of", () => {
    expect(planPullRequest(view, { organizationId: "org-1", repository }, approval)).toEqual({
      kind: "plan",
      plan: {
        repository,
        baseBranch: "main",
        baseCommit: "c0ffee",
        branch: "agent/org-org-1/iss_1",
        commitMessage: "Fix briefs\n\nIssue: iss_1\n",
        author: { name: "SpokeStack Agents", email: "agents@spokestack.invalid", dateIso: "2026-11-22T18:30:00.000Z" },
        title: "Fix briefs",
        body: "Because.",
      },
    });
  });

  test("of a further change of the issue has a branch of its own, beside the first one", () => {
    const branchOf = (ordinal: number): string => {
      const planned = planPullRequest(view, { organizationId: "org-1", repository }, { ...approval, ordinal });
      return planned.kind === "plan" ? planned.plan.branch : planned.kind;
    };
    expect([1, 2, 3].map(branchOf)).toEqual([
      "agent/org-org-1/iss_1",
      "agent/org-org-1/iss_1-2",
      "agent/org-org-1/iss_1-3",
    ]);
  });

  test.each([
    ["no repository is bound any more", null, artifact.metadata],
    ["another repository is bound", { ...repository, name: "other" }, artifact.metadata],
    ["the artifact has no base", repository, { title: "Fix briefs" }],
  ])("is impossible when %s", (_name, bound, metadata) => {
    const changed = { ...view, artifact: { ...artifact, metadata } };
    expect(planPullRequest(changed, { organizationId: "org-1", repository: bound }, approval).kind).toBe("impossible");
  });
});

describe("visibility", () => {
  test("is everything, or one's own", () => {
    const own = { kind: "own", userIds: ["a", "b"] } as const;
    expect(canSeeIssuesOf({ kind: "all" }, null)).toBe(true);
    expect(canSeeIssuesOf(own, "b")).toBe(true);
    expect(canSeeIssuesOf(own, "c")).toBe(false);
    expect(canSeeIssuesOf(own, null)).toBe(false);
  });
});
