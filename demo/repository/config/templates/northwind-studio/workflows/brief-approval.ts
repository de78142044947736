/** Who looks at a brief before work on it begins. */
export const briefApproval = {
  VIDEO_SHOOT: { approvers: ["LEADERSHIP"], needsBudget: true },
  DESIGN: { approvers: ["TEAM_LEAD", "LEADERSHIP"], needsBudget: false },
} as const;
