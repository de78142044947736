/** The shape in which `meta.triage` answers. */
import { z } from "zod";
import { issuePrioritySchema, issueTypeSchema } from "../contracts/status.ts";

export const triageAnswerSchema = z.object({
  type: issueTypeSchema.describe("What the issue really is, whatever it was submitted as."),
  priority: issuePrioritySchema.describe("How urgent it is, judged by its effect on people's work."),
  module: z.string().min(1).max(60).describe("The part of the ERP that it concerns, such as `briefs` or `time`."),
  complexity: z.int().min(1).max(10).describe("1 (a look-up or a one-line change) to 10 (a redesign)."),
  agent: z.string().min(1).max(80).describe("Id of the agent that should work on it, from the list."),
  confidence: z.number().min(0).max(1).describe("How sure you are of the agent, from 0 to 1."),
  reason: z.string().min(1).max(1_000).describe("One or two sentences for the person who submitted it."),
  expectedSteps: z.int().min(1).max(60).describe("Model and tool calls that the work will probably take."),
});
export type TriageAnswer = z.infer<typeof triageAnswerSchema>;
