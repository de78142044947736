/** The faults that seeds once found, each in the fewest calls that show it. */
import { expect, test } from "vitest";
import type { Assignment } from "../../src/contracts/organization-rpc.ts";
import { createLogger } from "../../src/core/log.ts";
import { OrganizationObject } from "../../src/durable-objects/organization/organization-object.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { PlatformObject } from "../../src/durable-objects/platform/platform-object.ts";
import { platformMigrations } from "../../src/durable-objects/platform/schema.ts";
import { defaultTerms } from "../../src/contracts/terms.ts";
import { Chance } from "./chance.ts";
import type { Disk } from "./disk.ts";
import { DiskPool } from "./disk-pool.ts";
import { asEnv } from "./object-bindings.ts";
import { ObjectProcess } from "./process.ts";
import { submitCommand } from "./run-seed.ts";
import { checkpointAfterStep, checkpointOfHearing, finishOf, promptOf } from "./slice-content.ts";

const organizationId = "org-0";
const startMs = Date.UTC(2026, 10, 2);
const immortal = { atWrite: () => false, atCommit: () => false };
const quiet = createLogger({}, () => undefined);
const everything = { kind: "all" } as const;
const plainIssue = {
  submittedAfterMs: 0,
  priority: "MEDIUM",
  namesAgent: true,
  key: null,
  waitsMs: null,
  expiresAfterMs: null,
  concurrencyKey: null,
  maxCostMicroUsd: null,
  commands: [],
  messages: [],
  question: null,
} as const;

/** A machine that an object runs on, with a clock of its own and a platform that never answers. */
function machine(disk: Disk, name: string, nowMs: number) {
  const process = new ObjectProcess(disk, immortal, { alarmSet: () => undefined, committed: () => undefined });
  const silence = { getByName: () => ({ reportDemand: () => Promise.withResolvers().promise }) };
  const queue = { send: () => Promise.resolve() };
  const env = asEnv({ ORGANIZATIONS: silence, PLATFORM: silence, AGENT_JOBS: queue, AGENT_RECORDS: queue });
  const ports = { clock: { nowMs: () => nowMs }, random: new Chance(1).next, logger: quiet };
  return [process.state(name), env, ports] as const;
}

function organizationOn(disk: Disk, nowMs: number): OrganizationObject {
  return new OrganizationObject(...machine(disk, organizationId, nowMs));
}

function submitAt(nowMs: number) {
  return submitCommand(organizationId, defaultTerms(organizationId), { ...plainIssue, namesAgent: false }, nowMs);
}

function messageTo(issueId: string, text: string) {
  const about = { organizationId, issueId, visibility: everything, authority: everything, questionId: null };
  return { ...about, text, author: "someone", enteredBy: "someone", idempotency: null };
}

/** Gives a slot to the job that waits, and claims it. */
async function runNext(disk: Disk, organization: OrganizationObject): Promise<Assignment> {
  const [slots] = disk.query<{ n: number }>("SELECT COUNT(*) AS n FROM released_slots");
  await organization.grantSlot({ organizationId, slotId: `slt_${slots?.n ?? 0}`, slotNumber: 0 });
  const [sent] = disk.query<{ jobId: string; dispatchId: string }>(
    "SELECT id AS jobId, state ->> '$.dispatch.dispatchId' AS dispatchId FROM jobs WHERE slot_id IS NOT NULL",
  );
  if (sent === undefined) throw new Error("nothing was dispatched");
  const claim = await organization.claim({ organizationId, ...sent });
  if (claim.kind === "stale") throw new Error("nothing was claimed");
  return claim.assignment;
}

test("a copy of a grant that comes after the slot was refused starts nothing", async () => {
  const organization = organizationOn(new DiskPool(organizationMigrations).take(), startMs);
  const grant = { organizationId, slotId: "slt_1", slotNumber: 0 };
  expect(await organization.grantSlot(grant)).toEqual({ accepted: false });
  await organization.submit(submitAt(startMs));
  expect(await organization.grantSlot(grant)).toEqual({ accepted: false });
  expect(await organization.grantSlot({ ...grant, slotId: "slt_2" })).toEqual({ accepted: true });
});

test("a slot is used though the clock of the next machine is behind", async () => {
  const disk = new DiskPool(organizationMigrations).take();
  await organizationOn(disk, startMs).submit(submitAt(startMs));
  const onNextMachine = organizationOn(disk, startMs - 200);
  const grant = { organizationId, slotId: "slt_1", slotNumber: 0 };
  expect(await onNextMachine.grantSlot(grant)).toEqual({ accepted: true });
});

test("a job whose issue is no longer wanted is not begun, though the alarm that ends it is late", async () => {
  const disk = new DiskPool(organizationMigrations).take();
  const organization = organizationOn(disk, startMs);
  const outcome = await organization.submit({ ...submitAt(startMs), expiresAtMs: startMs + 1_000 });
  await organization.grantSlot({ organizationId, slotId: "slt_1", slotNumber: 0 });
  const [sent] = disk.query<{ jobId: string; dispatchId: string }>(
    "SELECT id AS jobId, state ->> '$.dispatch.dispatchId' AS dispatchId FROM jobs",
  );
  if (!outcome.ok || sent === undefined) throw new Error("nothing was dispatched");
  const later = organizationOn(disk, startMs + 2_000);
  expect(await later.claim({ organizationId, ...sent })).toEqual({ kind: "stale" });
  const ref = { organizationId, issueId: outcome.value.issueId, visibility: everything };
  expect((await later.readIssue(ref))?.issue.status).toBe("CANCELLED");
});

test("messages are told in the order in which they were said, though the clock of the next machine is behind", async () => {
  const disk = new DiskPool(organizationMigrations).take();
  const outcome = await organizationOn(disk, startMs).submit(submitAt(startMs));
  if (!outcome.ok) throw new Error("nothing was submitted");
  const { issueId } = outcome.value;
  const texts = ["one", "two", "three", "four", "five", "six"];
  for (const [index, text] of texts.entries()) {
    await organizationOn(disk, startMs - 100 * Math.floor(index / 3)).sendMessage(messageTo(issueId, text));
  }
  const organization = organizationOn(disk, startMs);
  const { conversation } = await runNext(disk, organization);
  expect(conversation.messages.map(({ text }) => text)).toEqual(texts);
});

test("a copy of a checkpoint with which messages were heard changes nothing, though others were accepted since", async () => {
  const disk = new DiskPool(organizationMigrations).take();
  const organization = organizationOn(disk, startMs);
  const outcome = await organization.submit(submitAt(startMs));
  if (!outcome.ok) throw new Error("nothing was submitted");
  await organization.sendMessage(messageTo(outcome.value.issueId, "Mind the tests."));
  const assignment = await runNext(disk, organization);
  const { job, epoch, conversation } = assignment;
  await organization.beginAttempt({ organizationId, jobId: job.id, epoch, attempt: 1, ...promptOf(assignment) });
  const hearing = checkpointOfHearing(
    assignment,
    conversation.messages.map(({ id }) => id),
  );
  for (const checkpoint of [hearing, checkpointAfterStep(assignment, 1, new Chance(1)), hearing]) {
    expect(await organization.checkpoint(checkpoint)).toMatchObject({ accepted: true, unheard: [] });
  }
  const [heard] = disk.query("SELECT COUNT(*) AS n FROM messages WHERE message = ?", hearing.appendedMessages[0]);
  expect(heard).toEqual({ n: 1 });
  expect(disk.query("SELECT seq FROM events WHERE event ->> '$.type' = 'message.heard'")).toHaveLength(1);
});

test("a job that does a failed replay again is no replay itself", async () => {
  const disk = new DiskPool(organizationMigrations).take();
  const organization = organizationOn(disk, startMs);
  const outcome = await organization.submit({ ...submitAt(startMs), requestedAgentType: "meta.research" });
  if (!outcome.ok) throw new Error("nothing was submitted");
  const first = await runNext(disk, organization);
  const chance = new Chance(1);
  const refOf = ({ job, epoch }: Assignment) => ({ organizationId, jobId: job.id, epoch });
  await organization.beginAttempt({ ...refOf(first), attempt: 1, ...promptOf(first) });
  await organization.checkpoint(checkpointAfterStep(first, 1, chance));
  await organization.finish(finishOf(first, chance));

  const later = organizationOn(disk, startMs + 1_000);
  const who = { visibility: everything, authority: everything, actor: "someone", reason: null };
  const retry = { organizationId, issueId: outcome.value.issueId, ...who, command: "retry" } as const;
  const replay = { fromStep: 1, jobId: null, attempt: null, model: null, note: null };
  expect(await later.commandIssue({ ...retry, replay })).toMatchObject({ ok: true });
  const replayed = await runNext(disk, later);
  expect(replayed.job).toMatchObject({ retryOf: first.job.id, config: { replay: { jobId: first.job.id, step: 1 } } });
  const error = { reason: "final", message: "Told to fail." };
  await later.fail({ ...refOf(replayed), failureClass: "final", error, retryAfterMs: null });

  expect(await organizationOn(disk, startMs + 2_000).commandIssue(retry)).toMatchObject({ ok: true });
  const again = await runNext(disk, organizationOn(disk, startMs + 2_000));
  expect(again.job).toMatchObject({ retryOf: replayed.job.id, config: {} });
  expect(again.job.config).not.toHaveProperty("replay");
});

test("a slot that was taken counts against the demand that was reported before it was", async () => {
  const disk = new DiskPool(platformMigrations).take();
  const [state, env, ports] = machine(disk, "platform", startMs);
  const answers: ((answer: { readonly accepted: boolean }) => void)[] = [];
  const asked = { grantSlot: () => new Promise((resolve) => answers.push(resolve)) };
  const platform = new PlatformObject(state, asEnv({ ...env, ORGANIZATIONS: { getByName: () => asked } }), ports);
  const report = {
    organizationId,
    demand: 1,
    headPriority: 5,
    oldestAtMs: startMs,
    weight: 1,
    hasOpenWork: true,
    termsVersion: 0,
    heldSlotIds: [],
  };
  await platform.reportDemand({ ...report, version: 1, releasedSlotIds: [] });
  await platform.reportDemand({ ...report, version: 2, releasedSlotIds: [] });
  answers[0]?.({ accepted: true });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const [slot] = disk.query<{ is_held: number; demand_version: number }>("SELECT is_held, demand_version FROM slots");
  expect(slot).toEqual({ is_held: 1, demand_version: 2 });
  expect(answers).toHaveLength(1);
});
