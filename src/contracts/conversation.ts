/** What people and agents say to each other about an issue: an agent's questions, and people's answers and messages. */
import { z } from "zod";

/** `DEFAULTED`: nobody answered in time, and the agent's own default counts. `EXPIRED`: nobody did, and there was none. */
const questionStatuses = ["OPEN", "ANSWERED", "DEFAULTED", "EXPIRED", "CANCELLED"] as const;
const questionStatusSchema = z.enum(questionStatuses);

export const questionLimits = { questionCharacters: 4_000, answerCharacters: 10_000, choices: 20 } as const;

export const questionRecordSchema = z.object({
  id: z.string(),
  issueId: z.string(),
  /** The job that waits for the answer, and the tool call of its transcript that the answer is the result of. */
  jobId: z.string(),
  attempt: z.int().min(1),
  callId: z.string(),
  question: z.string(),
  /** What may be answered; empty when any text may. */
  choices: z.array(z.string()),
  /** What counts when nobody answers in time; null when the issue is then cancelled. */
  defaultAnswer: z.string().nullable(),
  status: questionStatusSchema,
  answer: z.string().nullable(),
  /** Whose answer it is, and who sent it: they differ where one person passes on what another said. */
  answeredBy: z.string().nullable(),
  enteredBy: z.string().nullable(),
  askedAtMs: z.int(),
  /** Until when somebody may answer; null for a question that waits for ever. */
  expiresAtMs: z.int().nullable(),
  closedAtMs: z.int().nullable(),
});
export type QuestionRecord = z.infer<typeof questionRecordSchema>;

/** What a person says to an issue's agent, unasked. */
export const messageRecordSchema = z.object({
  id: z.string(),
  issueId: z.string(),
  text: z.string(),
  /** Whose words they are, and who sent them. */
  author: z.string(),
  enteredBy: z.string(),
  sentAtMs: z.int(),
  /** The job in whose transcript it stands; null while no agent has heard it. */
  heardByJobId: z.string().nullable(),
  heardAtMs: z.int().nullable(),
});
export type MessageRecord = z.infer<typeof messageRecordSchema>;

/** What an agent asks, before it is stored. */
export interface QuestionDraft {
  readonly callId: string;
  readonly question: string;
  /** Empty when any text may be answered. */
  readonly choices: readonly string[];
  readonly defaultAnswer: string | null;
}

/** Everything said about one issue, each list oldest first. */
export interface Conversation {
  readonly questions: readonly QuestionRecord[];
  readonly messages: readonly MessageRecord[];
}
