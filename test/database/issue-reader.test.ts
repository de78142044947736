import { beforeAll, describe, expect, it } from "vitest";
import type { Visibility } from "../../src/contracts/caller.ts";
import type { IssuePage, ReviewPage } from "../../src/contracts/ports.ts";
import type { IssueRecord, ReviewRecord, StepRecord } from "../../src/contracts/records.ts";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { isWanted } from "../support/list-model.ts";
import { newOrganization, settingsOf, wholePart } from "../support/database-fixture.ts";

const reader = createIssueReader(settingsOf("agents_app"));
const everyone: Visibility = { kind: "all" };

/** Newest first; issues that were submitted in the same millisecond by their ids. */
function newestFirst(left: IssueRecord, right: IssueRecord): number {
  return right.createdAtMs - left.createdAtMs || (left.id < right.id ? 1 : -1);
}

let organizationId = "";
let foreignOrganizationId = "";
let freelancerId = "";
const issues: IssueRecord[] = [];

function page(fields: Partial<IssuePage>): IssuePage {
  return {
    organizationId,
    visibility: everyone,
    filter: {},
    before: null,
    through: null,
    limit: 100,
    excludeIds: [],
    ...fields,
  };
}

async function idsOf(fields: Partial<IssuePage>): Promise<readonly string[]> {
  return (await reader.list(page(fields))).map(({ id }) => id);
}

beforeAll(async () => {
  const own = await newOrganization();
  const foreign = await newOrganization();
  organizationId = own.id;
  foreignOrganizationId = foreign.id;
  freelancerId = own.users.FREELANCER.id;
  const log = new EventLogFixture(own.id);
  const firstMs = Date.UTC(2026, 10, 3);
  const types = ["BUG", "FEATURE", "QUESTION"] as const;
  const statuses = ["QUEUED", "REVIEW"] as const;
  for (let index = 0; index < 23; index += 1) {
    issues.push(
      log.submit({
        title: `Issue ${index}`,
        type: types[index % 3] ?? "BUG",
        status: statuses[index % 2] ?? "QUEUED",
        priority: index === 5 ? "CRITICAL" : "LOW",
        createdById: index % 4 === 0 ? freelancerId : own.users.STAFF.id,
        // Several in every millisecond.
        createdAtMs: firstMs + Math.floor(index / 3),
      }),
    );
  }
  issues.sort(newestFirst);
  const foreignLog = new EventLogFixture(foreign.id);
  foreignLog.submit({ id: issues[0]?.id ?? "", title: "the same id elsewhere" });
  const projection = createProjection(settingsOf("agents_app"));
  await projection.project(own.id, log);
  await projection.project(foreign.id, foreignLog);
});

describe("the list", () => {
  it("is newest first and whole", async () => {
    expect(await reader.list(page({}))).toEqual(issues);
  });

  it.each([1, 4, 7])("has no gap and no repetition in pages of %i", async (limit) => {
    const seen: IssueRecord[] = [];
    for (;;) {
      const last = seen.at(-1);
      const next = await reader.list(page({ limit, before: last ?? null }));
      if (next.length === 0) break;
      seen.push(...next);
    }
    expect(seen.map(({ id }) => id)).toEqual(issues.map(({ id }) => id));
  });

  it("keeps to the filter", async () => {
    for (const filter of [
      { status: ["REVIEW"] },
      { type: ["QUESTION", "FEATURE"], status: ["QUEUED"] },
      { priority: ["CRITICAL"] },
    ] as const) {
      const expected = issues.filter((issue) => isWanted(issue, filter, everyone));
      expect(expected.length).toBeGreaterThan(0);
      expect(await idsOf({ filter })).toEqual(expected.map(({ id }) => id));
    }
  });

  it("shows a person who sees only his own nothing else", async () => {
    const own = issues.filter(({ createdById }) => createdById === freelancerId).map(({ id }) => id);
    expect(await idsOf({ visibility: { kind: "own", userIds: ["some-subject", freelancerId] } })).toEqual(own);
    expect(await idsOf({ visibility: { kind: "own", userIds: [] } })).toEqual([]);
  });

  it("leaves out what the object answers for", async () => {
    const [first, second, ...rest] = issues.map(({ id }) => id);
    expect(await idsOf({ excludeIds: [first ?? "", second ?? ""] })).toEqual(rest);
  });

  it("holds nothing of another organization", async () => {
    expect(await idsOf({ organizationId: "nowhere" })).toEqual([]);
    expect(await reader.list(page({ organizationId: foreignOrganizationId }))).toMatchObject([
      { organizationId: foreignOrganizationId, title: "the same id elsewhere" },
    ]);
  });
});

describe("what jobs took", () => {
  it("is the median of the organization's completed jobs of the agent on the model, found by index", async () => {
    const organization = await newOrganization();
    const log = new EventLogFixture(organization.id);
    const kind = { agentType: "briefs.status-workflow", model: "sonnet" } as const;
    const none = { jobs: 0, costMicroUsd: null, durationSeconds: null };
    expect(await reader.jobHistory(organization.id, kind)).toEqual(none);
    for (const [index, seconds] of [10, 30, 200].entries()) {
      const issue = log.submit({ title: `Issue ${index}` });
      const job = log.createJob(issue, { ...kind, role: "work" });
      log.append({
        type: "job.status_changed",
        issueId: issue.id,
        jobId: job.id,
        data: {
          from: "RUNNING",
          status: "COMPLETED",
          attempts: 1,
          startedAtMs: issue.createdAtMs,
          completedAtMs: issue.createdAtMs + seconds * 1_000,
          error: null,
          result: null,
        },
      });
    }
    await createProjection(settingsOf("agents_app")).project(organization.id, log);
    expect(await reader.jobHistory(organization.id, kind)).toEqual({ jobs: 3, costMicroUsd: 0, durationSeconds: 30 });
    expect(await reader.jobHistory(organization.id, { ...kind, model: "opus" })).toEqual(none);
    expect(await reader.jobHistory(organizationId, kind)).toEqual(none);
  });
});

describe("one issue", () => {
  it("is read within its organization and visibility", async () => {
    const issue = issues.find(({ createdById }) => createdById !== freelancerId);
    const id = issue?.id ?? "";
    expect(await reader.read(organizationId, id, everyone)).toEqual({
      issue,
      jobs: [],
      stepCount: 0,
      reviews: [],
      effects: [],
      questions: [],
      messages: [],
      feedback: [],
      waitingFor: null,
      reservedMicroUsd: 0,
      waitingReason: null,
    });
    expect(await reader.read(organizationId, id, { kind: "own", userIds: [freelancerId] })).toBeNull();
    expect(await reader.read(organizationId, "iss_unknown", everyone)).toBeNull();
  });

  it("is found by its review, within its organization", async () => {
    const organization = await newOrganization();
    const log = new EventLogFixture(organization.id);
    const issue = log.submit({ title: "Reviewed" });
    const job = log.createJob(issue);
    const review = log.openReview(log.createArtifact(job));
    await createProjection(settingsOf("agents_app")).project(organization.id, log);
    const found = await reader.readByReview(organization.id, review.id);
    expect(found).toMatchObject({ issue: { id: issue.id }, jobs: [{ id: job.id }], reviews: [{ id: review.id }] });
    expect(await reader.readByReview(organizationId, review.id)).toBeNull();
    expect(await reader.readByReview(organization.id, "rev_unknown")).toBeNull();
  });

  it("is not found from another organization, nor is anything of it", async () => {
    const id = issues[1]?.id ?? "";
    expect(await reader.read(foreignOrganizationId, id, everyone)).toBeNull();
    expect(await reader.listSteps(wholePart(foreignOrganizationId, id))).toBeNull();
    expect(await reader.listLogs(wholePart(foreignOrganizationId, id))).toBeNull();
    expect(await reader.listArtifacts(wholePart(foreignOrganizationId, id))).toBeNull();
  });
});

describe("what hangs off an issue", () => {
  it("comes in pages that leave nothing out, oldest first, for those who may know of the issue", async () => {
    const organization = await newOrganization();
    const log = new EventLogFixture(organization.id);
    const issue = log.submit({ createdById: organization.users.STAFF.id });
    const jobs = [log.createJob(issue), log.createJob(issue)].sort((left, right) => (left.id < right.id ? -1 : 1));
    for (const job of jobs) {
      for (const number of [2, 1, 3]) log.recordStep(job, number);
      for (const message of ["a", "b", "c"]) log.writeLog(job, { message });
      log.createArtifact(job);
    }
    await createProjection(settingsOf("agents_app")).project(organization.id, log);
    const whole = wholePart(organization.id, issue.id);
    const inOrder = jobs.flatMap(({ id: jobId }) => [1, 2, 3].map((number) => ({ jobId, attempt: 1, number })));

    const steps: StepRecord[] = [];
    for (let more = true; more;) {
      const part = await reader.listSteps({ ...whole, after: steps.at(-1) ?? null, limit: 4 });
      steps.push(...(part?.items ?? []));
      ({ more } = part ?? { more: false });
    }
    expect(steps).toMatchObject(inOrder);

    const all = (await reader.listLogs(whole))?.items ?? [];
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort());
    const first = await reader.listLogs({ ...whole, limit: 4 });
    const rest = await reader.listLogs({ ...whole, after: first?.items.at(-1)?.id ?? null, limit: 2 });
    expect([...(first?.items ?? []), ...(rest?.items ?? [])]).toEqual(all);
    expect([first?.more, rest?.more]).toEqual([true, false]);

    const one = await reader.listArtifacts({ ...whole, limit: 1 });
    expect(one).toMatchObject({ items: [{}], more: true });
    const other = await reader.listArtifacts({ ...whole, after: one?.items[0]?.artifact.id ?? null });
    expect(other?.items).toHaveLength(1);

    const stranger: Visibility = { kind: "own", userIds: [organization.users.FREELANCER.id] };
    expect(await reader.listSteps({ ...whole, visibility: stranger })).toBeNull();
    expect(await reader.readArtifact(organizationId, other?.items[0]?.artifact.id ?? "")).toBeNull();
  });
});

describe("the list of reviews", () => {
  it("is newest first, in pages, narrowed by status, without what the object answers for", async () => {
    const organization = await newOrganization();
    const log = new EventLogFixture(organization.id);
    const job = log.createJob(log.submit());
    const reviews: ReviewRecord[] = [];
    for (const index of [0, 1, 2, 3, 4]) {
      const opened = log.openReview(log.createArtifact(job));
      const createdAtMs = opened.createdAtMs + Math.floor(index / 2);
      const review = { ...opened, createdAtMs, status: index % 2 === 0 ? "REJECTED" : "OPEN" } as const;
      log.append({ type: "review.decided", issueId: job.issueId, data: { review } });
      reviews.push(review);
    }
    reviews.sort((left, right) => right.createdAtMs - left.createdAtMs || (left.id < right.id ? 1 : -1));
    await createProjection(settingsOf("agents_app")).project(organization.id, log);
    const all = {
      organizationId: organization.id,
      status: null,
      before: null,
      through: null,
      excludeIds: [],
      limit: 9,
    };
    const idsOfReviews = async (fields: Partial<ReviewPage>) =>
      (await reader.listReviews({ ...all, ...fields })).map(({ id }) => id);

    const ids = reviews.map(({ id }) => id);
    expect(await idsOfReviews({})).toEqual(ids);
    expect(await idsOfReviews({ limit: 2, before: reviews[1] ?? null })).toEqual(ids.slice(2, 4));
    expect(await idsOfReviews({ before: reviews[0] ?? null, through: reviews[3] ?? null })).toEqual(ids.slice(1, 4));
    expect(await idsOfReviews({ excludeIds: ids.slice(0, 1) })).toEqual(ids.slice(1));
    const open = reviews.filter(({ status }) => status === "OPEN").map(({ id }) => id);
    expect(await idsOfReviews({ status: ["OPEN", "EXPIRED"] })).toEqual(open);
    expect(await idsOfReviews({ organizationId })).toEqual([]);
  });
});
