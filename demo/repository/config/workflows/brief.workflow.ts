/** How the board shows a brief's status: one column for each group, in this order. */
export const briefBoard = {
  columns: [
    { title: "Incoming", statuses: ["DRAFT", "SUBMITTED"] },
    { title: "Review", statuses: ["IN_REVIEW", "APPROVED"] },
    { title: "In work", statuses: ["IN_PROGRESS", "REVISIONS"] },
    { title: "Sign-off", statuses: ["INTERNAL_REVIEW", "CLIENT_REVIEW"] },
    { title: "Done", statuses: ["COMPLETED", "CANCELLED"] },
  ],
} as const;
