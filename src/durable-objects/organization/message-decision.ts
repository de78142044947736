/** What becomes of a person's message to an issue. */
import type { QuestionRecord } from "../../contracts/conversation.ts";
import type { JobRecord } from "../../contracts/records.ts";
import { type IssueStatus, isTerminalJobStatus } from "../../contracts/status.ts";
import type { Failure } from "../../core/errors.ts";

/** More than anybody says to one agent; without a bound a transcript would be whatever a caller makes of it. */
export const mostMessages = 200;

export interface MessageFacts {
  readonly status: IssueStatus;
  readonly jobs: readonly { readonly record: Pick<JobRecord, "status"> }[];
  /** The issue's open questions, oldest first. */
  readonly open: readonly QuestionRecord[];
  /** Messages of people that the issue has already. */
  readonly messageCount: number;
}

export type MessageDecision =
  | { readonly kind: "answer"; readonly question: QuestionRecord; readonly answer: string }
  | { readonly kind: "send" }
  | { readonly kind: "refuse"; readonly failure: Failure };

function refuse(failure: Failure): MessageDecision {
  return { kind: "refuse", failure };
}

/** An open question is answered before anything else is said; one with choices by one of them, in any case of letters. */
export function decideMessage(
  { text, questionId }: { readonly text: string; readonly questionId: string | null },
  { status, jobs, open, messageCount }: MessageFacts,
): MessageDecision {
  const question = questionId === null ? open[0] : open.find(({ id }) => id === questionId);
  if (question !== undefined) {
    const { choices } = question;
    const chosen = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
    if (choices.length === 0) return { kind: "answer", question, answer: text };
    if (chosen !== undefined) return { kind: "answer", question, answer: chosen };
    const detail = `The question has choices; answer with one of them: ${choices.join(" · ")}`;
    return refuse({ code: "invalid_request", detail, field: "text" });
  }
  if (questionId !== null)
    return refuse({ code: "conflict", detail: "This question is not open.", field: "questionId" });
  if (jobs.every(({ record }) => isTerminalJobStatus(record.status))) {
    return refuse({ code: "conflict", detail: `No agent is left that could hear it: the issue is ${status}.` });
  }
  if (messageCount >= mostMessages) {
    return refuse({ code: "conflict", detail: `An issue takes at most ${mostMessages} messages.` });
  }
  return { kind: "send" };
}
