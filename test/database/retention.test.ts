import { expect, it } from "vitest";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { createProjection } from "../../src/db/projection.ts";
import { createRetention, retentionLimits } from "../../src/db/retention.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, wholePart } from "../support/database-fixture.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** Long before what other suites write, so that this one deletes nothing of theirs. */
const nowMs = Date.UTC(2020, 5, 1);
const reader = createIssueReader(settingsOf("agents_app"));

/** An organization with logs and steps of these ages. */
async function withAged(agesDays: readonly number[]) {
  const { id: organizationId } = await newOrganization();
  const log = new EventLogFixture(organizationId);
  const job = log.createJob(log.submit());
  for (const [index, ageDays] of agesDays.entries()) {
    log.writeLog(job, { message: `${ageDays} days`, atMs: nowMs - ageDays * dayMs });
    log.recordStep(job, index + 1, { output: `${ageDays} days`, startedAtMs: nowMs - ageDays * dayMs });
  }
  await createProjection(settingsOf("agents_app")).project(organizationId, log);
  return {
    logs: async () =>
      (await reader.listLogs(wholePart(organizationId, job.issueId)))?.items.map(({ message }) => message).sort(),
    steps: async () =>
      (await reader.listSteps(wholePart(organizationId, job.issueId)))?.items.map(({ output }) => output).sort(),
  };
}

it("deletes logs after 30 days and steps after 90, in every organization", async () => {
  const organizations = await Promise.all([withAged([1, 29, 31, 89, 91]), withAged([31, 91])]);
  const deleted = await createRetention(settingsOf("agents_platform")).deleteExpired({ nowMs });

  expect(deleted).toEqual({ logs: 5, steps: 2 });
  expect(await organizations[0].logs()).toEqual(["1 days", "29 days"]);
  expect(await organizations[0].steps()).toEqual(["1 days", "29 days", "31 days", "89 days"]);
  expect(await organizations[1].logs()).toEqual([]);
  expect(await organizations[1].steps()).toEqual(["31 days"]);
  expect(await createRetention(settingsOf("agents_platform")).deleteExpired({ nowMs })).toEqual({ logs: 0, steps: 0 });
});

it("stops at its bound and goes on with the next run, oldest first", async () => {
  const aged = await withAged([40, 50, 60, 70, 80]);
  const retention = createRetention(settingsOf("agents_platform"), { ...retentionLimits, batchRows: 1, batches: 2 });
  expect(await retention.deleteExpired({ nowMs })).toEqual({ logs: 2, steps: 0 });
  expect(await aged.logs()).toEqual(["40 days", "50 days", "60 days"]);
  expect(await retention.deleteExpired({ nowMs })).toEqual({ logs: 2, steps: 0 });
  expect(await aged.logs()).toEqual(["40 days"]);
});

it("is not for the application's role", async () => {
  await expect(createRetention(settingsOf("agents_app")).deleteExpired({ nowMs })).rejects.toThrow(
    /permission denied/u,
  );
});
