import { describe, expect, it } from "vitest";
import type { Brief } from "./brief-types";
import { reachableStatuses, refusalOf, withStatus } from "./brief-workflow";

const lead = { id: "user_lead", level: "TEAM_LEAD" } as const;
const at = new Date("2026-03-02T08:00:00Z");

const draft: Brief = {
  id: "brief_1",
  organizationId: "org_1",
  briefNumber: "NW-2026-0001",
  title: "Launch film",
  status: "DRAFT",
  createdById: "user_author",
  assigneeId: null,
  revisionCount: 0,
  submittedAt: null,
  startDate: null,
  completedAt: null,
};

describe("the way of a brief", () => {
  it("goes from draft to completed", () => {
    let brief = draft;
    for (const status of [
      "SUBMITTED",
      "IN_REVIEW",
      "APPROVED",
      "IN_PROGRESS",
      "INTERNAL_REVIEW",
      "CLIENT_REVIEW",
      "COMPLETED",
    ] as const) {
      expect(refusalOf(brief, status, lead)).toBeNull();
      brief = withStatus(brief, status, at);
    }
    expect(brief.completedAt).toEqual(at);
  });

  it("offers a team lead the review of a submitted brief", () => {
    expect(reachableStatuses(withStatus(draft, "SUBMITTED", at), lead)).toEqual(["IN_REVIEW", "CANCELLED"]);
  });

  it("ends when the brief is cancelled", () => {
    expect(refusalOf(withStatus(draft, "CANCELLED", at), "SUBMITTED", lead)).toBe("closed");
  });
});
