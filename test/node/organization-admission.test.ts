import { describe, expect, test } from "vitest";
import { limitsByTier } from "../../src/contracts/terms.ts";
import type { Failure } from "../../src/core/errors.ts";
import { type AdmissionState, decideAdmission } from "../../src/durable-objects/organization/admission.ts";
import { decideRecall } from "../../src/durable-objects/recall-decision.ts";
import {
  allowancesAfter,
  nextUtcDayMs,
  type SubmissionUsage,
} from "../../src/durable-objects/organization/submission-usage.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { idempotentRequest } from "../../src/http/idempotent-request.ts";

const nowMs = Date.UTC(2026, 10, 22, 18, 30);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const unused: SubmissionUsage = { atMs: nowMs, lastHour: 0, today: 0, oldestAtMs: null, roomAtMs: null };
const free: AdmissionState = {
  usage: unused,
  waitingJobs: 0,
  databaseBytes: 0,
  switchRefusal: null,
  budgetRefusal: null,
};
const plain = { requestedAgentType: null, requestedModel: null, notBeforeMs: null, expiresAtMs: null };
const { pro, enterprise } = limitsByTier;
const ceilings = { waitingJobs: 50, databaseBytes: 1_000 };

describe("admission", () => {
  const decide = (
    request: Partial<Parameters<typeof decideAdmission>[0]> = {},
    state: Partial<AdmissionState> = {},
    limits = pro,
  ) => decideAdmission({ ...plain, ...request }, { ...free, ...state }, { limits, ceilings }, nowMs);

  test("begins with triage on haiku", () => {
    expect(decide()).toMatchObject({
      kind: "admit",
      firstJob: { role: "triage", agentType: "meta.triage", model: "haiku" },
    });
  });

  test.each([
    ["pro", pro, null, "sonnet"],
    ["enterprise, which may use opus only when asked", enterprise, null, "sonnet"],
    ["enterprise, asked", enterprise, "opus", "opus"],
    ["haiku only", { ...pro, models: ["haiku" as const] }, null, "haiku"],
    ["opus only", { ...pro, models: ["opus" as const] }, null, "opus"],
  ] as const)("gives a named agent the model of %s", (_name, limits, requestedModel, model) => {
    const request = { requestedAgentType: "briefs.status-workflow", requestedModel };
    expect(decide(request, {}, { ...limits, models: [...limits.models] })).toMatchObject({
      kind: "admit",
      firstJob: { role: "work", agentType: "briefs.status-workflow", model },
    });
  });

  test.each([
    ["an agent that the tier lacks", { requestedAgentType: "briefs.x" }, "agent_not_allowed"],
    ["a system agent", { requestedAgentType: "meta.triage" }, "agent_not_allowed"],
    ["a model that the tier lacks", { requestedModel: "opus" as const }, "model_not_allowed"],
  ])("refuses %s", (_name, request, code) => {
    expect(decide(request, {}, limitsByTier.free)).toMatchObject({ kind: "refuse", failure: { code } });
  });

  test("counts a sliding hour and says when the next issue fits", () => {
    const usage = { ...unused, lastHour: 100, roomAtMs: nowMs + 10 * minuteMs };
    expect(decide({}, { usage }, enterprise)).toMatchObject({
      failure: { code: "rate_limited", retryAfterSeconds: 600 },
    });
    expect(decide({}, { usage: { ...usage, lastHour: 99, roomAtMs: null } }, enterprise).kind).toBe("admit");
  });

  test("counts a UTC day and says when the next one begins", () => {
    expect(nextUtcDayMs(nowMs)).toBe(Date.UTC(2026, 10, 23));
    expect(nextUtcDayMs(Date.UTC(2026, 10, 22))).toBe(Date.UTC(2026, 10, 23));
    expect(decide({}, { usage: { ...unused, today: 100 } })).toMatchObject({
      failure: { code: "quota_exhausted", retryAfterSeconds: 5.5 * 3_600 },
    });
    expect(decide({}, { usage: { ...unused, today: 99 } }).kind).toBe("admit");
  });

  test.each([
    ["a start in more than a year", { notBeforeMs: nowMs + 367 * 24 * hourMs }, "notBefore"],
    ["an end that has passed", { expiresAtMs: nowMs }, "expiresAt"],
    ["an end before the start", { notBeforeMs: nowMs + 2, expiresAtMs: nowMs + 2 }, "expiresAt"],
  ])("refuses %s, and names the field", (_name, times, field) => {
    expect(decide(times)).toMatchObject({ kind: "refuse", failure: { code: "invalid_request", field } });
  });

  test("takes times between which there is time", () => {
    expect(decide({ notBeforeMs: nowMs - 1, expiresAtMs: nowMs + 1 }).kind).toBe("admit");
    expect(decide({ notBeforeMs: nowMs + 1, expiresAtMs: nowMs + 2 }).kind).toBe("admit");
  });

  test.each([
    ["a full storage", { databaseBytes: 1_000 }, "storage_full"],
    ["a full backlog", { waitingJobs: 50 }, "backlog_full"],
  ] as const)("refuses with a time to come back for %s, and admits just below it", (_name, state, code) => {
    const refused = decide({}, state);
    expect(refused).toMatchObject({ kind: "refuse", failure: { code } });
    expect(refused.kind === "refuse" && refused.failure.retryAfterSeconds).toBeGreaterThan(0);
    expect(decide({}, { databaseBytes: 999, waitingJobs: 49 }).kind).toBe("admit");
  });

  test("names the first objection: a switch, what can never be had, what does not fit now, the budget", () => {
    const switchRefusal: Failure = { code: "unavailable", detail: "Submissions are switched off." };
    const budgetRefusal: Failure = { code: "quota_exhausted", detail: "The budget is used up." };
    const usage = { ...unused, lastHour: 100, today: 100, roomAtMs: nowMs + 1 };
    const everything = { switchRefusal, budgetRefusal, usage, databaseBytes: 1_000, waitingJobs: 50 };
    const model = { requestedModel: "opus" as const };
    const codeOf = (request: object, state: Partial<AdmissionState>) => {
      const decision = decide(request, state);
      return decision.kind === "refuse" ? decision.failure.code : "admitted";
    };
    expect([
      codeOf(model, everything),
      codeOf(model, { ...everything, switchRefusal: null }),
      codeOf({}, { ...everything, switchRefusal: null }),
      codeOf({}, { ...everything, switchRefusal: null, databaseBytes: 0 }),
      codeOf({}, { budgetRefusal, usage }),
      codeOf({}, { budgetRefusal, usage: { ...usage, lastHour: 0 } }),
      decide({}, { budgetRefusal }),
    ]).toEqual([
      "unavailable",
      "model_not_allowed",
      "storage_full",
      "backlog_full",
      "rate_limited",
      "quota_exhausted",
      { kind: "refuse", failure: budgetRefusal },
    ]);
  });

  test("says what is left and when there is more", () => {
    const usage = { ...unused, lastHour: 3, today: 7, oldestAtMs: nowMs - 20 * minuteMs };
    expect(allowancesAfter(usage, { issuesPerHour: 100, issuesPerDay: 8 })).toEqual({
      rate: { limit: 100, remaining: 96, resetAtMs: nowMs + 40 * minuteMs },
      quota: { limit: 8, remaining: 0, resetAtMs: Date.UTC(2026, 10, 23) },
    });
    expect(allowancesAfter(unused, pro).rate.resetAtMs).toBe(nowMs + hourMs);
  });
});

describe("an idempotency key", () => {
  const remembered = { requestHash: "a", expiresAtMs: nowMs + 1 };
  test.each([
    ["is new when nothing is remembered", null, "a", "new"],
    ["repeats the same request", remembered, "a", "replay"],
    ["is refused to another request", remembered, "b", "other_request"],
    ["is free again after its time", { ...remembered, expiresAtMs: nowMs }, "b", "new"],
  ] as const)("%s", (_name, stored, requestHash, decision) => {
    expect(decideRecall(stored, requestHash, nowMs)).toBe(decision);
  });

  test("knows a request by what it says, not by how it is laid out", () => {
    const hashOf = (body: object) => idempotentRequest({ keyOwner: "user:one" }, "k", body).requestHash;
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(hashOf({ title: "x", context: { a: 1, b: 2 } })).toBe(hashOf({ context: { b: 2, a: 1 }, title: "x" }));
    expect(hashOf({ context: [1, 2] })).not.toBe(hashOf({ context: [2, 1] }));
    expect(hashOf({})).toMatch(/^[0-9a-f]{64}$/u);
  });

  test("is its caller's own, however his name and his key are put together", () => {
    const keyOf = (keyOwner: string, key: string) => idempotentRequest({ keyOwner }, key, {}).key;
    expect(keyOf("user:one", "k")).toBe(keyOf("user:one", "k"));
    expect(new Set([keyOf("user:one", "k"), keyOf("user:two", "k"), keyOf("user:on", "ek")]).size).toBe(3);
  });
});
