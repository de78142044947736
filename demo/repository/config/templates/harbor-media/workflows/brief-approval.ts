/** Who looks at a brief before work on it begins. */
export const briefApproval = {
  PAID_MEDIA: { approvers: ["LEADERSHIP"], needsBudget: true },
  REPORT: { approvers: ["TEAM_LEAD"], needsBudget: false },
} as const;
