/** What has left the object: the edge asks Postgres, and gives a command again with what that holds. */
import { beforeEach, describe, expect, test } from "vitest";
import { issueDetailSchema, reviewDetailViewSchema, reviewViewSchema } from "../../src/contracts/http-views.ts";
import type { ArchivedIssue } from "../../src/contracts/organization-rpc.ts";
import { newId } from "../../src/core/ids.ts";
import { bearer, detailOf, EdgeFixture, issueRecord, jsonRequest, reviewRecord, startMs } from "./http-fixture.ts";

const approval = { decision: "approve", note: null, contentHash: "a".repeat(64) };

let fixture: EdgeFixture;
let issueId: string;
let reviewId: string;
let archived: ArchivedIssue;

beforeEach(() => {
  fixture = new EdgeFixture();
  const issue = issueRecord(fixture.organizationId, { status: "FAILED" });
  const review = reviewRecord({ issueId: issue.id });
  const detail = { ...detailOf(issue), reviews: [review] };
  fixture.stored.set(issue.id, detail);
  fixture.leftReviews.add(review.id);
  const artifact = {
    id: review.artifactId,
    jobId: newId("job", startMs),
    issueId: issue.id,
    type: "CODE_CHANGE",
    name: "Fix",
    contentBodyId: "body",
    filePath: null,
    diffPatchBodyId: null,
    metadata: {},
    createdAtMs: startMs,
  } as const;
  fixture.storedArtifacts.push({ artifact, content: "why", diffPatch: null });
  [issueId, reviewId, archived] = [issue.id, review.id, detail];
});

const commandsGiven = () => fixture.callsOf("commandIssue").map(({ argument }) => argument);
const decisionsGiven = () => fixture.callsOf("decideReview").map(({ argument }) => argument);

describe("a command on an issue that has left", () => {
  test("is given again with the issue from Postgres", async () => {
    const path = `/api/agents/${issueId}/retry`;
    const response = await fixture.app().request(path, jsonRequest(fixture.user("TEAM_LEAD"), {}));
    expect(response.status).toBe(200);
    expect(issueDetailSchema.parse(await response.json()).id).toBe(issueId);
    const [first, second] = commandsGiven();
    expect(first).not.toHaveProperty("archived");
    expect(second).toMatchObject({ command: "retry", archived });
  });

  test("finds nothing when Postgres has nothing either, or another organization asks", async () => {
    const unknown = `/api/agents/${newId("issue", startMs)}/retry`;
    expect((await fixture.app().request(unknown, jsonRequest(fixture.user("ADMIN"), {}))).status).toBe(404);
    const foreign = fixture.user("ADMIN", { organizationId: "org_other" });
    expect((await fixture.app().request(`/api/agents/${issueId}/retry`, jsonRequest(foreign, {}))).status).toBe(404);
    expect(commandsGiven()).toHaveLength(2);
  });

  test("answers that nobody can tell while Postgres is away", async () => {
    fixture.isPostgresUp = false;
    const path = `/api/agents/${issueId}/retry`;
    const response = await fixture.app().request(path, jsonRequest(fixture.user("ADMIN"), {}));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
  });
});

describe("a review whose issue has left", () => {
  test("is read from Postgres with its change", async () => {
    const headers = bearer(fixture.user("STAFF"));
    const response = await fixture.app().request(`/api/agents/reviews/${reviewId}`, { headers });
    const view = reviewDetailViewSchema.parse(await response.json());
    expect(view).toMatchObject({ id: reviewId, issue: { id: issueId }, artifact: { content: "why" } });
  });

  test("is decided with the issue from Postgres", async () => {
    const path = `/api/agents/reviews/${reviewId}`;
    const response = await fixture.app().request(path, jsonRequest(fixture.user("ADMIN"), approval));
    expect(reviewViewSchema.parse(await response.json()).status).toBe("APPROVED");
    expect(decisionsGiven()).toHaveLength(2);
    expect(decisionsGiven()[1]).toMatchObject({ reviewId, archived });
  });

  test("does not exist for another organization", async () => {
    const foreign = fixture.user("ADMIN", { organizationId: "org_other" });
    const path = `/api/agents/reviews/${reviewId}`;
    expect((await fixture.app().request(path, { headers: bearer(foreign) })).status).toBe(404);
    expect((await fixture.app().request(path, jsonRequest(foreign, approval))).status).toBe(404);
  });
});
