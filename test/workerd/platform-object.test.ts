import { reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { OrganizationSettings, PutOrganization } from "../../src/contracts/platform-rpc.ts";
import { defaultTerms, limitsByTier } from "../../src/contracts/terms.ts";
import { createJobSender } from "../../src/durable-objects/job-lanes.ts";
import { platformMigrations } from "../../src/durable-objects/platform/schema.ts";
import { migrateSchema } from "../../src/durable-objects/schema-version.ts";
import {
  claim,
  clients,
  everything,
  failureOf,
  jobMessages,
  mintOrganizationId,
  nextJobMessage,
  objectOf,
  repository,
  runJob,
  submit,
  termsFor,
} from "./organization-driver.ts";
import { advanceMs, testClock } from "./test-clock.ts";

afterEach(reset);

const platform = () => clients.platform();
const platformObject = () => env.PLATFORM.getByName("platform");
const named = { requestedAgentType: "briefs.status-workflow" } as const;
const done = { role: "work", summary: "Nothing to change." } as const;

function settingsFor(organizationId: string, changes: Partial<OrganizationSettings> = {}): PutOrganization {
  return {
    organizationId,
    tier: "pro",
    slug: "acme",
    repository,
    limitOverrides: { limits: {}, expiresAtMs: null },
    actor: { kind: "platform", name: "root" },
    ...changes,
  };
}

/** Submits issues whose work may run as wide as `concurrentJobs`. */
async function submitMany(organizationId: string, count: number, concurrentJobs: number): Promise<void> {
  const terms = termsFor(organizationId, { concurrentJobs });
  for (let made = 0; made < count; made += 1) await submit(organizationId, { ...named, terms });
}

const unansweredReports = (organizationId: string): Promise<number> =>
  runInDurableObject(
    env.ORGANIZATIONS.getByName(organizationId),
    (_object, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM deadlines WHERE name = 'report'").one().n,
  );

const totalMessages = (organizationIds: readonly string[]) =>
  organizationIds.reduce((sum, organizationId) => sum + jobMessages(organizationId).length, 0);

describe("slots", () => {
  test("are shared by all organizations: never more than there are, and each freed one goes on", async () => {
    const organizationIds = [mintOrganizationId(), mintOrganizationId()];
    const [first = "", second = ""] = organizationIds;
    await submitMany(first, 4, 10);
    await submitMany(second, 4, 10);
    await vi.waitUntil(() => totalMessages(organizationIds) === 5);
    await vi.waitUntil(async () => {
      const { slotsInUse, demand } = await platform().readStatus();
      return slotsInUse === 5 && demand === 3;
    });
    await runJob(first, 0, done);
    await vi.waitUntil(() => totalMessages(organizationIds) === 6);
    expect((await platform().readStatus()).slotsInUse).toBe(5);
  });

  test("an organization keeps to its own limit", async () => {
    const organizationId = mintOrganizationId();
    await submitMany(organizationId, 3, 2);
    await vi.waitUntil(() => jobMessages(organizationId).length === 2);
    const [third] = (
      await objectOf(organizationId).listUnprojected({
        organizationId,
        visibility: everything,
        filter: {},
        before: null,
        limit: 1,
      })
    ).matching;
    const detail = await objectOf(organizationId).readIssue({
      organizationId,
      issueId: third?.id ?? "",
      visibility: everything,
    });
    expect(detail?.waitingFor).toBe("organization_concurrency");
    expect(await platform().readStatus()).toMatchObject({ slotsInUse: 2, demand: 0 });
    await runJob(organizationId, 0, done);
    await nextJobMessage(organizationId, 2);
  });

  test("a slice that yields gives its slot to whoever is owed one, keeps it else, and its job goes on in its turn", async () => {
    const [holder, other] = [mintOrganizationId(), mintOrganizationId()];
    await submitMany(holder, 5, 5);
    await vi.waitUntil(() => jobMessages(holder).length === 5);
    const [first, second] = await Promise.all(jobMessages(holder).slice(0, 2).map(claim));
    if (first === undefined || second === undefined) throw new Error("two jobs run");
    const yields = async ({ job, epoch }: typeof first): Promise<string | undefined> => {
      const ref = { organizationId: holder, jobId: job.id, epoch };
      expect(await objectOf(holder).yieldSlice(ref)).toEqual({ accepted: true });
      const issue = { organizationId: holder, issueId: job.issueId, visibility: everything };
      return (await objectOf(holder).readIssue(issue))?.jobs.find(({ id }) => id === job.id)?.status;
    };
    expect(await yields(first)).toBe("RUNNING");
    await claim(await nextJobMessage(holder, 5));

    await submitMany(other, 1, 1);
    await vi.waitUntil(async () => (await platform().readStatus()).demand === 1);
    // With the next renewal of its slots the holder is told.
    await objectOf(holder).checkIn({ organizationId: holder });
    await vi.waitUntil(async () => (await unansweredReports(holder)) === 0);
    expect(await yields(second)).toBe("PENDING");
    await runJob(other, 0, done);
    const again = await claim(await nextJobMessage(holder, 6));
    expect(again.job).toMatchObject({ id: second.job.id, attempts: 1, status: "RUNNING" });
  });

  test("a limit that is lowered below what runs lets the excess finish, and starts nothing meanwhile", async () => {
    const organizationId = mintOrganizationId();
    await submitMany(organizationId, 4, 3);
    await vi.waitUntil(() => jobMessages(organizationId).length === 3);
    const running = await Promise.all(jobMessages(organizationId).map(claim));
    await objectOf(organizationId).applyTerms({ ...termsFor(organizationId, { concurrentJobs: 1 }), version: 2 });
    for (const [index, { job, epoch }] of running.entries()) {
      expect(jobMessages(organizationId)).toHaveLength(3);
      const left = running.length - index;
      await vi.waitUntil(async () => (await platform().readStatus()).slotsInUse === left);
      const finish = { organizationId, jobId: job.id, epoch, outcome: done, artifacts: [] };
      expect(await objectOf(organizationId).finish(finish)).toEqual({ accepted: true });
    }
    await runJob(organizationId, 3, done);
  });

  test("an expired slot stays with a holder that still uses it, and is freed when he does not", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, named);
    await claim(await nextJobMessage(organizationId));
    await vi.waitUntil(async () => (await platform().readStatus()).slotsInUse === 1);
    await runInDurableObject(platformObject(), (_object, state) => {
      const slot = { slotId: "slt_lost", number: 1, version: 99 };
      state.storage.sql.exec(
        "INSERT INTO slots (slot_id, number, organization_id, is_held, demand_version, lease_until_ms) VALUES (?, ?, ?, 1, ?, 0)",
        slot.slotId,
        slot.number,
        organizationId,
        slot.version,
      );
      state.storage.sql.exec("INSERT INTO deadlines (name, due_at_ms, tries) VALUES ('slot:slt_lost', 0, 0)");
    });
    expect((await platform().readStatus()).slotsInUse).toBe(2);
    advanceMs(91_000);
    await runDurableObjectAlarm(platformObject());
    await vi.waitUntil(async () => (await platform().readStatus()).slotsInUse === 1);
    expect(await platform().readOrganization(organizationId)).toBeNull();
  });

  test("a slot that the platform no longer knows is fenced: its slice may do nothing, and its job runs again", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, named);
    const { job, epoch } = await claim(await nextJobMessage(organizationId));
    await vi.waitUntil(async () => (await platform().readStatus()).slotsInUse === 1);
    await runInDurableObject(platformObject(), (_object, state) => {
      state.storage.sql.exec("DELETE FROM slots");
    });
    await objectOf(organizationId).checkIn({ organizationId });
    const again = await claim(await nextJobMessage(organizationId, 1));
    expect(again).toMatchObject({ epoch: epoch + 2, job: { id: job.id, attempts: 1 } });
    expect(await objectOf(organizationId).renewLease({ organizationId, jobId: job.id, epoch })).toEqual({
      accepted: false,
    });
  });

  test("an older demand report is ignored, and slots that nobody knows are lost", async () => {
    const organizationId = mintOrganizationId();
    const report = {
      organizationId,
      version: 7,
      demand: 0,
      headPriority: null,
      oldestAtMs: null,
      weight: 1,
      hasOpenWork: false,
      termsVersion: 0,
      heldSlotIds: ["slt_unknown"],
      releasedSlotIds: [],
    };
    expect(await platform().reportDemand(report)).toEqual({
      version: 7,
      lostSlotIds: ["slt_unknown"],
      othersAreOwed: false,
    });
    expect(await platform().reportDemand({ ...report, version: 6 })).toEqual({
      version: 7,
      lostSlotIds: [],
      othersAreOwed: false,
    });
  });

  test("an organization whose storage began anew goes on from the platform's number", async () => {
    const organizationId = mintOrganizationId();
    const report = {
      organizationId,
      version: 50,
      demand: 0,
      headPriority: null,
      oldestAtMs: null,
      weight: 1,
      hasOpenWork: false,
      termsVersion: 0,
      heldSlotIds: [],
      releasedSlotIds: [],
    };
    await platform().reportDemand(report);
    await submit(organizationId, named);
    await nextJobMessage(organizationId);
    expect((await platform().reportDemand(report)).version).toBeGreaterThan(50);
  });
});

describe("the directory", () => {
  test("knows the defaults of a stranger, and turns settings into terms with a growing version", async () => {
    const organizationId = mintOrganizationId();
    expect(await platform().readTerms(organizationId)).toEqual(defaultTerms(organizationId));
    expect(await platform().readOrganization(organizationId)).toBeNull();
    await platform().putOrganization(settingsFor(organizationId));
    const changed = await platform().putOrganization(
      settingsFor(organizationId, { limitOverrides: { limits: { issuesPerHour: 5 }, expiresAtMs: null } }),
    );
    expect(changed.terms).toMatchObject({
      version: 2,
      tier: "pro",
      slug: "acme",
      repository,
      limits: { ...limitsByTier.pro, issuesPerHour: 5 },
    });
    expect(await platform().readOrganization(organizationId)).toEqual(changed);
  });

  test("takes overrides back by itself when their time is over, and tells the organization", async () => {
    const organizationId = mintOrganizationId();
    const limitOverrides = { limits: { issuesPerHour: 1 }, expiresAtMs: testClock.nowMs() + 60_000 };
    const set = await platform().putOrganization(settingsFor(organizationId, { limitOverrides }));
    expect(set.terms).toMatchObject({ version: 1, limits: { issuesPerHour: 1 } });
    await runDurableObjectAlarm(platformObject());
    expect((await platform().readTerms(organizationId)).version).toBe(1);
    advanceMs(60_000);
    await runDurableObjectAlarm(platformObject());
    const entry = await platform().readOrganization(organizationId);
    expect(entry).toMatchObject({
      limitOverrides: { limits: {}, expiresAtMs: null },
      terms: { version: 2, limits: limitsByTier.pro },
    });
    const stale = { ...termsFor(organizationId), version: 0 };
    await vi.waitUntil(async () => (await submit(organizationId, { ...named, terms: stale })).rate.limit === 100);
  });

  test("keeps what a storage of the first version holds", async () => {
    const organizationId = mintOrganizationId();
    await platform().putOrganization(settingsFor(organizationId));
    await runInDurableObject(platformObject(), (_object, { storage }) => {
      storage.sql.exec(
        "UPDATE organizations SET settings = json_set(settings, '$.limitOverrides', json('{\"weight\":7}')) WHERE id = ?",
        organizationId,
      );
      storage.kv.put("schemaVersion", 1);
      migrateSchema(storage, platformMigrations.slice(0, 2));
    });
    expect(await platform().readOrganization(organizationId)).toMatchObject({
      limitOverrides: { limits: { weight: 7 }, expiresAtMs: null },
    });
  });

  test("refuses limits that are not positive", async () => {
    const organizationId = mintOrganizationId();
    const settings = settingsFor(organizationId, {
      limitOverrides: { limits: { concurrentJobs: 0 }, expiresAtMs: null },
    });
    expect(await failureOf(() => platform().putOrganization(settings))).toContain("concurrentJobs");
    expect(await platform().readOrganization(organizationId)).toBeNull();
  });

  test("pushes new terms to the organization, which keeps the newest", async () => {
    const organizationId = mintOrganizationId();
    await platform().putOrganization(
      settingsFor(organizationId, { limitOverrides: { limits: { models: ["haiku"] }, expiresAtMs: null } }),
    );
    await vi.waitUntil(async () =>
      runInDurableObject(
        platformObject(),
        (_object, { storage }) =>
          storage.sql.exec("SELECT 1 FROM deadlines WHERE name = ?", `terms:${organizationId}`).toArray().length === 0,
      ),
    );
    const older = { ...termsFor(organizationId), version: 0 };
    await submit(organizationId, { ...named, terms: older });
    const { job, allowedModels } = await claim(await nextJobMessage(organizationId));
    expect(job.model).toBe("haiku");
    expect(allowedModels).toEqual(["haiku"]);
  });
});

describe("lanes", () => {
  test("are as many as the settings say, and at least as many as there are slots", () => {
    expect(() => createJobSender(env, 11)).toThrow("11 global slots do not fit into 10 lanes");
    expect(() => createJobSender({ ...env, AGENT_LANES: "12" }, 5)).toThrow("but 10 are bound");
    expect(() => createJobSender({}, 5)).toThrow("AGENT_JOBS is not bound");
  });
});

describe("operations", () => {
  test("wakes busy organizations that have been silent", async () => {
    const organizationId = mintOrganizationId();
    await submit(organizationId, named);
    await nextJobMessage(organizationId);
    expect(await platform().wakeOverdue(60_000)).toBe(0);
    advanceMs(61_000);
    expect(await platform().wakeOverdue(60_000)).toBe(1);
    await vi.waitUntil(async () => (await platform().wakeOverdue(60_000)) === 0);
  });

  test("keeps health samples, newest first", async () => {
    const sample = (atMs: number) => ({
      atMs,
      healthy: true,
      checks: { database: { ok: true, detail: "", durationMs: 3 } },
    });
    await platform().recordHealth(sample(1));
    await platform().recordHealth(sample(2));
    expect(await platform().readHealth(1)).toEqual([sample(2)]);
  });
});

describe("an administrator's session", () => {
  const root = { kind: "platform", name: "root" } as const;
  const opening = { name: "root", tokenHash: "t", secretHash: "s", lifetimeMs: 60_000 };

  test("is found by its secret's hash until its time is over", async () => {
    const session = await platform().openSession(opening);
    expect(await platform().findSession("s")).toEqual(session);
    expect(await platform().findSession("t")).toBeNull();
    expect(await platform().listSessions()).toEqual([session]);
    advanceMs(60_000);
    expect(await platform().findSession("s")).toBeNull();
    expect(await platform().listSessions()).toEqual([]);
    expect(await platform().endSession({ sessionId: session.id, actor: root })).toBe(false);
  });

  test("is ended once, and who did is written down", async () => {
    const { id: sessionId } = await platform().openSession(opening);
    const other = { kind: "platform", name: "other" } as const;
    expect(await platform().endSession({ sessionId, actor: other })).toBe(true);
    expect(await platform().endSession({ sessionId, actor: other })).toBe(false);
    expect(await platform().findSession("s")).toBeNull();
    expect(await platform().readAudit({ before: null, limit: 10 })).toMatchObject([
      { number: 2, action: "session.ended", actor: other, sessionId },
      { number: 1, action: "session.opened", actor: root, sessionId },
    ]);
  });
});

test("who sets an organization's limits is written down, with what they were", async () => {
  const organizationId = mintOrganizationId();
  const { actor, ...first } = settingsFor(organizationId);
  const second = { ...first, limitOverrides: { limits: { issuesPerHour: 5 }, expiresAtMs: null } };
  await platform().putOrganization({ ...first, actor });
  await platform().putOrganization({ ...second, actor });
  const scope = { kind: "organization", value: organizationId } as const;
  expect(await platform().readAudit({ before: null, limit: 10 })).toMatchObject([
    { number: 2, action: "organization.set", scope, actor, settings: { now: second, before: first } },
    { number: 1, action: "organization.set", scope, actor, settings: { now: first, before: null } },
  ]);
  expect((await platform().readAudit({ before: 2, limit: 1 })).map(({ number }) => number)).toEqual([1]);
});
