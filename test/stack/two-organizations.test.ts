import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueListSchema, problemSchema, reviewListSchema } from "../../src/contracts/http-views.ts";
import { callApi, requireApi } from "../../scripts/local/api-client.ts";
import { waitUntil } from "../../scripts/local/wait-until.ts";
import { eventsOf, replay, submitDefect, untilStatus } from "../support/stack-run.ts";
import { startStackSuite, type StackSuite, type Tenant } from "../support/stack-suite.ts";

interface Side {
  readonly tenant: Tenant;
  readonly issueId: string;
  readonly reviewId: string;
}

let suite: StackSuite;
let ours: Side;
let theirs: Side;
let overlap: readonly string[];

beforeAll(async () => {
  suite = await startStackSuite();
  const [first, second] = [await suite.tenant(), await suite.tenant()];
  const hold = suite.claude.holdBefore((call) => call.agent === "briefs.status-workflow" && call.assistantTurns === 0);
  const remarks = ["Seen by the first organization.", "Seen by the second organization."];
  const [firstIssue, secondIssue] = [
    await submitDefect(first, ` ${remarks[0]}`),
    await submitDefect(second, ` ${remarks[1]}`),
  ];
  const waiting = await waitUntil(
    "a model call of each organization at the same time",
    () => {
      const calls = suite.claude.requests().filter((call) => call.outcome === "waiting");
      return Promise.resolve(calls.length === 2 ? calls : null);
    },
    { withinMs: 60_000 },
  );
  overlap = remarks.filter((remark) => waiting.some((call) => call.body.includes(remark)));
  hold.release();
  ours = await reviewed(first, firstIssue);
  theirs = await reviewed(second, secondIssue);
});
afterAll(async () => {
  await suite.stop();
});

async function reviewed(tenant: Tenant, issueId: string): Promise<Side> {
  await untilStatus(tenant.staff, issueId, "REVIEW");
  const { items } = await requireApi(tenant.lead, reviewListSchema, "GET", "/reviews");
  return { tenant, issueId, reviewId: items[0]?.id ?? "" };
}

describe("two organizations at once", () => {
  it("both run at the same time", () => {
    expect(overlap).toHaveLength(2);
  });

  it("neither can tell the other's issue from one that does not exist", async () => {
    const unknownIssue = `iss_${"0".repeat(26)}`;
    const unknownReview = `rev_${"0".repeat(26)}`;
    const pairs = [
      ...["", "/steps", "/logs", "/artifacts"].map((part) => [`/${theirs.issueId}${part}`, `/${unknownIssue}${part}`]),
      [`/reviews/${theirs.reviewId}`, `/reviews/${unknownReview}`],
    ];
    for (const caller of [ours.tenant.staff, ours.tenant.lead, ours.tenant.admin]) {
      for (const [foreign = "", unknown = ""] of pairs) {
        const [foreignAnswer, unknownAnswer] = [
          await callApi(caller, "GET", foreign),
          await callApi(caller, "GET", unknown),
        ];
        const withoutRequestId = (body: unknown) => ({ ...problemSchema.parse(body), requestId: "" });
        expect([foreign, foreignAnswer.status]).toEqual([foreign, unknownAnswer.status]);
        expect(withoutRequestId(foreignAnswer.body)).toEqual(withoutRequestId(unknownAnswer.body));
      }
    }
    const asLead = await callApi(ours.tenant.lead, "GET", `/${theirs.issueId}`);
    expect(asLead.status).toBe(404);
  });

  it("each lists its own issues and reviews, and nothing else", async () => {
    for (const { tenant, issueId, reviewId } of [ours, theirs]) {
      const issues = await requireApi(tenant.lead, issueListSchema, "GET", "");
      expect(issues.items.map((issue) => issue.id)).toEqual([issueId]);
      const reviews = await requireApi(tenant.lead, reviewListSchema, "GET", "/reviews");
      expect(reviews.items.map((review) => review.id)).toEqual([reviewId]);
    }
  });

  it("each hears its own events, even when it asks for the other's", async () => {
    for (const [listener, other] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      const heard = eventsOf(await replay(listener.tenant.lead));
      expect(new Set(heard.map((event) => event.issueId))).toEqual(new Set([listener.issueId]));
      expect(JSON.stringify(heard)).not.toContain(other.tenant.organization.id);
    }
  });

  it("a freelancer sees what he submitted himself, and nothing of his own organization's", async () => {
    const { freelancer } = ours.tenant;
    expect(await requireApi(freelancer, issueListSchema, "GET", "")).toMatchObject({ items: [] });
    expect((await callApi(freelancer, "GET", `/${ours.issueId}`)).status).toBe(404);
  });
});
