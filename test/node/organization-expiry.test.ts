import { describe, expect, test } from "vitest";
import { decideExpiry } from "../../src/durable-objects/organization/expiry-decision.ts";

const expiresAtMs = 1_000;
const waiting = { record: { status: "PENDING", createdAtMs: 0 }, transientSinceMs: null } as const;
const keep = { kind: "keep" };
const dayMs = 24 * 60 * 60_000;
const unavailable = { kind: "end", status: "FAILED", reason: "provider_unavailable" };
const expired = { kind: "end", status: "CANCELLED", reason: "expired" };

describe("expiry", () => {
  test.each([
    ["keeps what never expires", waiting, null, 5_000, keep],
    ["keeps what has time left", waiting, expiresAtMs, 999, keep],
    ["ends what still waits", waiting, expiresAtMs, 1_000, expired],
    ["ends what comes to wait again later", waiting, expiresAtMs, 9_000, expired],
    ["fails what waits for a provider", { ...waiting, transientSinceMs: 500 }, expiresAtMs, 1_000, unavailable],
    ["gives a provider a day", { ...waiting, transientSinceMs: 500 }, null, dayMs + 499, keep],
    ["and no more, though nothing ever expires", { ...waiting, transientSinceMs: 500 }, null, dayMs + 500, unavailable],
    [
      "and no more, before the time that its issue has",
      { ...waiting, transientSinceMs: 0 },
      2 * dayMs,
      dayMs,
      unavailable,
    ],
    ["lets what waits for anything else wait on", waiting, null, 9 * dayMs, keep],
    [
      "lets the last try of a day end",
      { record: { status: "RUNNING", createdAtMs: 0 }, transientSinceMs: 0 },
      null,
      dayMs,
      keep,
    ],
    ["lets what runs go on", { ...waiting, record: { status: "RUNNING", createdAtMs: 0 } }, expiresAtMs, 1_000, keep],
    [
      "leaves what a person paused",
      { ...waiting, record: { status: "PAUSED", createdAtMs: 0 } },
      expiresAtMs,
      1_000,
      keep,
    ],
    [
      "keeps what follows from work that ran",
      { ...waiting, record: { status: "PENDING", createdAtMs: 1_000 } },
      expiresAtMs,
      2_000,
      keep,
    ],
    [
      "changes nothing that has ended",
      { ...waiting, record: { status: "COMPLETED", createdAtMs: 0 } },
      expiresAtMs,
      1_000,
      keep,
    ],
  ] as const)("%s", (_name, job, untilMs, nowMs, decision) => {
    expect(decideExpiry(job, untilMs, nowMs)).toEqual(decision);
  });
});
