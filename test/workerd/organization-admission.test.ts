import { evictAllDurableObjects, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { SubmitCommand } from "../../src/contracts/organization-rpc.ts";
import { KeyUseTable } from "../../src/durable-objects/organization/key-use-table.ts";
import { SubmissionTable } from "../../src/durable-objects/organization/submission-table.ts";
import { StorageMemory } from "../../src/durable-objects/storage-memory.ts";
import {
  failureOf,
  allEvents,
  mintOrganizationId,
  objectOf,
  type SubmissionChanges,
  submit,
  submitCommand,
  termsFor,
} from "./organization-driver.ts";
import { silentQueuesPrefix } from "./silent-queues.ts";
import { advanceMs } from "./test-clock.ts";

afterEach(reset);

const stubOf = (organizationId: string) => env.ORGANIZATIONS.getByName(organizationId);
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

function keyed(organizationId: string, key: string, changes: SubmissionChanges = {}): SubmitCommand {
  const { title } = submitCommand(organizationId, changes);
  return submitCommand(organizationId, { idempotency: { key, requestHash: title }, ...changes });
}

async function submittedIssues(organizationId: string): Promise<readonly string[]> {
  const events = await allEvents(organizationId);
  return events.filter(({ type }) => type === "issue.submitted").map(({ issueId }) => issueId);
}

async function rowCount(
  organizationId: string,
  table: "remembered_answers" | "submissions" | "key_uses",
): Promise<number> {
  return runInDurableObject(
    stubOf(organizationId),
    (_object, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );
}

test("a submission waits for no queue: it is answered and stored though every send hangs", async () => {
  const organizationId = `${silentQueuesPrefix}${mintOrganizationId()}`;
  const { issueId } = await submit(organizationId);
  expect(await submittedIssues(organizationId)).toEqual([issueId]);
});

test("submissions that come together are stored together, and one that cannot be stored takes no other with it", async () => {
  const organizationId = mintOrganizationId();
  await submit(organizationId);
  const broken = submitCommand(organizationId);
  Reflect.set(broken, "externalId", 1n);
  const commands = Array.from({ length: 30 }, (_, at) => (at === 17 ? broken : submitCommand(organizationId)));
  const commits = await runInDurableObject(stubOf(organizationId), async (object, { storage }) => {
    const transaction = vi.spyOn(storage, "transactionSync");
    const outcomes = await Promise.all(
      commands.map(async (command) =>
        object.submit(command).then(
          ({ ok }) => ok,
          () => "thrown",
        ),
      ),
    );
    expect(outcomes).toEqual(commands.map((command) => (command === broken ? "thrown" : true)));
    return transaction.mock.calls.length;
  });
  // The first by itself, the others together, and each of those again by itself because of the broken one.
  expect(commits).toBe(1 + 1 + 29);
  const issueIds = await submittedIssues(organizationId);
  expect(issueIds).toHaveLength(30);
  expect(issueIds.toSorted()).toEqual(issueIds);
});

describe("an idempotency key", () => {
  test("makes one issue of 50 parallel submissions", async () => {
    const organizationId = mintOrganizationId();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async () => objectOf(organizationId).submit(keyed(organizationId, "once"))),
    );
    const receipts = outcomes.map((outcome) => (outcome.ok ? outcome.value : null));
    expect(new Set(receipts.map((receipt) => receipt?.issueId)).size).toBe(1);
    expect(receipts.filter((receipt) => receipt?.replayed === false)).toHaveLength(1);
    expect(new Set(receipts.map((receipt) => JSON.stringify({ ...receipt, replayed: true }))).size).toBe(1);
    expect(await submittedIssues(organizationId)).toHaveLength(1);
  });

  test("is refused to another request, after an eviction too, and is free again after 24 hours", async () => {
    const organizationId = mintOrganizationId();
    const organization = objectOf(organizationId);
    await organization.submit(keyed(organizationId, "once"));
    await evictAllDurableObjects();
    const other = keyed(organizationId, "once", { title: "Another" });
    expect(await objectOf(organizationId).submit(other)).toMatchObject({
      ok: false,
      failure: { code: "idempotency_key_reused" },
    });
    advanceMs(dayMs);
    expect(await objectOf(organizationId).submit(other)).toMatchObject({ ok: true, value: { replayed: false } });
    expect(await submittedIssues(organizationId)).toHaveLength(2);
  });

  test("remembers no refusal: the same request is admitted once there is room", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { issuesPerHour: 1 });
    await submit(organizationId, { terms });
    const command = keyed(organizationId, "later", { terms });
    expect(await objectOf(organizationId).submit(command)).toMatchObject({ failure: { code: "rate_limited" } });
    advanceMs(hourMs);
    expect(await objectOf(organizationId).submit(command)).toMatchObject({ ok: true, value: { replayed: false } });
    expect(await objectOf(organizationId).submit(command)).toMatchObject({ ok: true, value: { replayed: true } });
  });

  test("means nothing in another organization", async () => {
    const [one, two] = [mintOrganizationId(), mintOrganizationId()];
    await objectOf(one).submit(keyed(one, "shared"));
    expect(await objectOf(two).submit(keyed(two, "shared"))).toMatchObject({ ok: true, value: { replayed: false } });
  });

  test("is forgotten by itself, a bounded number at a time", async () => {
    const organizationId = mintOrganizationId();
    await objectOf(organizationId).submit(keyed(organizationId, "real"));
    await runInDurableObject(stubOf(organizationId), (_object, { storage }) => {
      for (let made = 0; made < 700; made += 1) {
        storage.sql.exec(
          "INSERT INTO remembered_answers SELECT route, ?, request_hash, answer, expires_at_ms FROM remembered_answers WHERE key = 'real'",
          `copy-${made}`,
        );
      }
    });
    advanceMs(dayMs + 1);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await rowCount(organizationId, "remembered_answers")).toBe(201);
    await runDurableObjectAlarm(stubOf(organizationId));
    expect(await rowCount(organizationId, "remembered_answers")).toBe(0);
  });
});

describe("what an organization may submit", () => {
  test("is told with every receipt, and when there is more", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { issuesPerHour: 3, issuesPerDay: 50 });
    const receipts = [
      await submit(organizationId, { terms }),
      await submit(organizationId, { terms }),
      await submit(organizationId, { terms }),
    ];
    expect(receipts.map(({ rate }) => rate.remaining)).toEqual([2, 1, 0]);
    expect(receipts.map(({ quota }) => quota.remaining)).toEqual([49, 48, 47]);
    expect(new Set(receipts.map(({ rate }) => rate.resetAtMs)).size).toBe(1);
    const refused = await objectOf(organizationId).submit(submitCommand(organizationId, { terms }));
    expect(refused).toMatchObject({ ok: false, failure: { code: "rate_limited" } });
    advanceMs(hourMs);
    expect((await submit(organizationId, { terms })).rate.remaining).toBe(2);
  });

  test("is refused while too many of its jobs wait", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    await runInDurableObject(stubOf(organizationId), (_object, { storage }) => {
      const backlog = storage.sql.exec<{ waiting: number }>("SELECT waiting FROM backlog").one();
      expect(backlog.waiting).toBe(1);
      storage.sql.exec("UPDATE backlog SET waiting = 10000");
    });
    // The object remembers what nobody but itself writes.
    await evictAllDurableObjects();
    const refused = await objectOf(organizationId).submit(submitCommand(organizationId));
    expect(refused).toMatchObject({ ok: false, failure: { code: "backlog_full", retryAfterSeconds: 60 } });
    expect(await submittedIssues(organizationId)).toHaveLength(1);
  });

  test("is counted exactly, by a table that does not grow with time", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId);
    await runInDurableObject(stubOf(organizationId), (_object, { storage }) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 1, max: 12 }),
          fc.array(fc.integer({ min: -20, max: 90 }), { maxLength: 60 }),
          (issuesPerHour, issuesPerDay, minutes) => {
            storage.sql.exec("DELETE FROM submissions");
            const table = new SubmissionTable(storage.sql, new StorageMemory(storage));
            const admitted: number[] = [];
            let clockMs = dayMs * 20_000;
            for (const step of minutes) {
              clockMs += step * 60_000;
              const usage = table.usage(clockMs, issuesPerHour);
              const within = admitted.filter((atMs) => atMs > usage.atMs - hourMs);
              expect(usage.lastHour).toBe(within.length);
              expect(usage.oldestAtMs).toBe(within[0] ?? null);
              expect(usage.today).toBe(admitted.filter((atMs) => atMs >= usage.atMs - (usage.atMs % dayMs)).length);
              const room = within.length < issuesPerHour;
              expect(usage.roomAtMs).toBe(room ? null : (within.at(-issuesPerHour) ?? 0) + hourMs);
              if (!room || usage.today >= issuesPerDay) continue;
              table.record(usage);
              admitted.push(usage.atMs);
            }
            const { n } = storage.sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM submissions").one();
            expect(n).toBeLessThanOrEqual(issuesPerHour + 2);
          },
        ),
        { numRuns: 60 },
      );
    });
  });
});

describe("an API key's hour", () => {
  const request = (organizationId: string, changes: { keyId?: string; requestsPerHour?: number } = {}) => ({
    organizationId,
    keyId: "key_1",
    requestsPerHour: 3,
    ...changes,
  });
  const use = async (organizationId: string, changes = {}): Promise<boolean> =>
    (await objectOf(organizationId).countKeyRequest(request(organizationId, changes))).ok;

  test("lets exactly so many of 50 parallel requests pass", async () => {
    const organizationId = mintOrganizationId();
    const passed = await Promise.all(Array.from({ length: 50 }, () => use(organizationId)));
    expect(passed.filter(Boolean)).toHaveLength(3);
  });

  test("is each key's own, and each organization's", async () => {
    const [one, two] = [mintOrganizationId(), mintOrganizationId()];
    for (let count = 0; count < 3; count += 1) await use(one);
    expect(await use(one)).toBe(false);
    expect(await use(one, { keyId: "key_2" })).toBe(true);
    expect(await use(two)).toBe(true);
  });

  test("tells when there is room again; a refused request does not put it off", async () => {
    const organizationId = mintOrganizationId();
    for (let count = 0; count < 3; count += 1) await use(organizationId);
    advanceMs(hourMs - 10_000);
    const refused = await objectOf(organizationId).countKeyRequest(request(organizationId));
    if (refused.ok) throw new Error("the fourth request passed");
    expect(refused.failure.code).toBe("key_rate_limited");
    expect(refused.failure.retryAfterSeconds).toBeLessThanOrEqual(10);
    expect(refused.failure.retryAfterSeconds).toBeGreaterThan(0);
    advanceMs(10_000);
    expect(await use(organizationId)).toBe(true);
  });

  test("has no room at all for a key that allows nothing", async () => {
    expect(await use(mintOrganizationId(), { requestsPerHour: 0 })).toBe(false);
  });

  test("never holds more than allowed, wherever its edge lies, and forgets what is over", async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: hourMs / 2 }), { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.integer({ min: 1, max: 4 }), async (waits, requestsPerHour) => {
        const organizationId = mintOrganizationId();
        const accepted: number[] = [];
        await runInDurableObject(stubOf(organizationId), (_object, { storage }) => {
          const table = new KeyUseTable(storage.sql);
          let nowMs = 1_000_000_000;
          for (const waitMs of waits) {
            nowMs += waitMs;
            const inHour = accepted.filter((atMs) => atMs > nowMs - hourMs).length;
            const { ok } = table.count(request(organizationId, { requestsPerHour }), nowMs);
            expect(ok).toBe(inHour < requestsPerHour);
            if (ok) accepted.push(nowMs);
          }
        });
        expect(await rowCount(organizationId, "key_uses")).toBeLessThanOrEqual(2 * requestsPerHour + 1);
      }),
      { numRuns: 10 },
    );
  });
});

describe("a batch", () => {
  const codesOf = (outcomes: Awaited<ReturnType<ReturnType<typeof objectOf>["submitBatch"]>>) =>
    outcomes.map((outcome) => (outcome.ok ? (outcome.value.replayed ? "replayed" : "admitted") : outcome.failure.code));

  test("counts each of its submissions, and refuses exactly those beyond the limit", async () => {
    const organizationId = mintOrganizationId();
    const terms = termsFor(organizationId, { issuesPerHour: 4, issuesPerDay: 100 });
    await submit(organizationId, { terms });
    const once = keyed(organizationId, "once", { terms });
    const commands = [
      once,
      submitCommand(organizationId, { terms, requestedAgentType: "meta.review" }),
      once,
      { ...once, idempotency: { key: "once", requestHash: "another" } },
      submitCommand(organizationId, { terms }),
      submitCommand(organizationId, { terms }),
      submitCommand(organizationId, { terms }),
    ];
    const outcomes = await objectOf(organizationId).submitBatch({ organizationId, commands });
    expect(codesOf(outcomes)).toEqual([
      "admitted",
      "agent_not_allowed",
      "replayed",
      "idempotency_key_reused",
      "admitted",
      "admitted",
      "rate_limited",
    ]);
    const remaining = outcomes.map((outcome) =>
      outcome.ok && !outcome.value.replayed ? outcome.value.rate.remaining : null,
    );
    expect(remaining).toEqual([2, null, null, null, 1, 0, null]);
    expect(await submittedIssues(organizationId)).toHaveLength(4);
    expect(codesOf(await objectOf(organizationId).submitBatch({ organizationId, commands: [once] }))).toEqual([
      "replayed",
    ]);
  });

  test("is refused whole when part of it is another organization's", async () => {
    const organizationId = mintOrganizationId();
    const commands = [submitCommand(organizationId), submitCommand(mintOrganizationId())];
    const failure = await failureOf(() => objectOf(organizationId).submitBatch({ organizationId, commands }));
    expect(failure).toContain("came to the object of another");
    expect(await submittedIssues(organizationId)).toEqual([]);
  });
});
