/** What people and agents say to each other. */
import type { Visibility } from "../caller.ts";
import type { MessageRecord, QuestionDraft, QuestionRecord } from "../conversation.ts";
import type { IssueRef } from "./issue-reads.ts";
import type { Outcome } from "./outcome.ts";
import type { EpochAnswer, EpochRef } from "./slices.ts";
import type { IdempotentRequest } from "./submission.ts";

/** Parks the job until a person has answered. */
export interface AskCommand extends EpochRef {
  readonly attempt: number;
  readonly draft: QuestionDraft;
}

export interface MessageCommand extends IssueRef {
  /** Whose issues the caller may command; never more than he may see. */
  readonly authority: Visibility;
  readonly text: string;
  /** Whose words they are, and who sends them. */
  readonly author: string;
  readonly enteredBy: string;
  /** The open question that is answered, when the caller names it; null leaves it to the object. */
  readonly questionId: string | null;
  readonly idempotency: IdempotentRequest | null;
}

export type MessageReceipt = (
  | { readonly kind: "answered"; readonly question: QuestionRecord }
  | { readonly kind: "sent"; readonly message: MessageRecord }
) & {
  /** Whether this is the remembered answer to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
};

export interface PeopleCalls {
  /** Ends a slice with a question: the job is paused and its slot is free until the answer comes. */
  askPerson(command: AskCommand): Promise<EpochAnswer>;
  /** Answers the issue's open question; without one, tells the agent that works on the issue, or the next one that does. */
  sendMessage(command: MessageCommand): Promise<Outcome<MessageReceipt>>;
}
