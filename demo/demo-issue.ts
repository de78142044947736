/** What the demo submits: the defect that really is in `demo/repository`. */
export const demoIssue = {
  type: "BUG",
  priority: "HIGH",
  title: "Briefs are stuck in SUBMITTED",
  description: [
    "Since last week no brief leaves SUBMITTED. A team lead opens a submitted brief, takes it into review, and gets",
    "“This brief is closed”, although nobody completed or cancelled it. Drafts can still be submitted, so the list",
    "only grows.",
    "",
    "Expected: a submitted brief can be taken into review, and from there it goes on as before.",
  ].join("\n"),
  externalId: "demo-briefs-stuck",
} as const;
