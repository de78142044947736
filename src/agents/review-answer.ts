/** The shape in which `meta.review` answers. */
import { z } from "zod";

export const reviewAnswerSchema = z.object({
  decision: z.enum(["pass", "send_back"]).describe("`send_back` only for something that must change before a merge."),
  summary: z
    .string()
    .min(1)
    .max(4_000)
    .describe("For the person who approves: what the change does, what you checked, what is left to doubt."),
  findings: z
    .array(
      z.object({
        severity: z.enum(["blocking", "minor"]),
        path: z.string().describe("File that the finding is about; empty when it is about the whole change."),
        note: z.string().describe("What is wrong and what would put it right."),
      }),
    )
    .describe("Every blocking finding, then the minor ones worth a person's time."),
});
export type ReviewAnswer = z.infer<typeof reviewAnswerSchema>;

/** The verdict in words: the summary, then the findings; what the reviewer reads, or the agent that is sent back. */
export function reviewSummary(answer: ReviewAnswer): string {
  const findings = answer.findings.map(
    (finding) => `- ${finding.severity}${finding.path === "" ? "" : ` · ${finding.path}`}: ${finding.note}`,
  );
  return [answer.summary, ...findings].join("\n");
}
