/** Parks a job with its question, takes what people answer and say, and closes what nobody answered in time. */
import type { MessageRecord, QuestionRecord } from "../../contracts/conversation.ts";
import { canSeeIssuesOf } from "../../contracts/issue-filter.ts";
import type {
  AskCommand,
  CommandAuthor,
  MessageCommand,
  MessageReceipt,
  Outcome,
} from "../../contracts/organization-rpc.ts";
import type { Failure } from "../../core/errors.ts";
import { idAfter } from "../../core/ids.ts";
import type { Change } from "./change.ts";
import type { ConversationTable } from "./conversation-table.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { IssueTable } from "./issue-table.ts";
import { moveJob } from "./job-moves.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import { decideMessage } from "./message-decision.ts";
import type { RememberedAnswers } from "../remembered-answers.ts";
import type { Slices } from "./slices.ts";

export interface PeopleDeskParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly conversation: ConversationTable;
  readonly slices: Slices;
  readonly dispatcher: Dispatcher;
  readonly messageAnswers: RememberedAnswers<MessageReceipt>;
  readonly questionExpiresAfterMs: number;
  readonly cancelIssue: (change: Change, issueId: string, author: CommandAuthor) => void;
}

const refused = (failure: Failure): Outcome<MessageReceipt> => ({ ok: false, failure });

export class PeopleDesk {
  readonly #parts: PeopleDeskParts;

  constructor(parts: PeopleDeskParts) {
    this.#parts = parts;
  }

  /** Stores the question of a running job and parks the job without a slot; false when the epoch does not hold it. */
  ask(change: Change, command: AskCommand): boolean {
    const { slices, dispatcher, jobs, questionExpiresAfterMs } = this.#parts;
    const job = slices.held(command);
    if (job === null) return false;
    const { id: jobId, issueId } = job.record;
    const { callId, question: text, choices, defaultAnswer } = command.draft;
    const question: QuestionRecord = {
      id: change.newId("question"),
      issueId,
      jobId,
      attempt: command.attempt,
      callId,
      question: text,
      choices: [...choices],
      defaultAnswer,
      status: "OPEN",
      answer: null,
      answeredBy: null,
      enteredBy: null,
      askedAtMs: change.nowMs,
      expiresAtMs: change.nowMs + questionExpiresAfterMs,
      closedAtMs: null,
    };
    this.#parts.conversation.saveQuestion(question);
    change.deadlines.set(`question:${question.id}`, change.nowMs + questionExpiresAfterMs);
    change.append({ type: "question.asked", issueId, jobId, data: { question } });
    // A pause that the slice did not come to holds the job once it is answered.
    const idle: JobState = { ...dispatcher.release(change, job), signal: job.signal === "pause" ? "pause" : null };
    jobs.save(moveJob(change, idle, { status: "PAUSED", pausedReason: "question" }));
    return true;
  }

  /** Takes what a person says, if he may say it here; a repeated request gets the answer that it got first. */
  receive(change: Change, command: MessageCommand): Outcome<MessageReceipt> {
    const { issues, messageAnswers } = this.#parts;
    const issue = issues.findVisible(command.issueId, command.visibility);
    if (issue === null) return refused({ code: "not_found", detail: "There is no such issue." });
    if (!canSeeIssuesOf(command.authority, issue.createdById)) {
      return refused({ code: "forbidden", detail: "Only its submitter or a reviewer talks to the agent of an issue." });
    }
    const { idempotency } = command;
    if (idempotency === null) return this.#take(change, command);
    const recall = messageAnswers.recall(idempotency, change.nowMs);
    if (recall.kind === "replay") return { ok: true, value: { ...recall.answer, replayed: true } };
    if (recall.kind === "other_request") {
      const detail = "This idempotency key was used with another request in the last 24 hours.";
      return refused({ code: "idempotency_key_reused", detail });
    }
    const outcome = this.#take(change, command);
    if (outcome.ok) messageAnswers.remember(change, idempotency, outcome.value);
    return outcome;
  }

  /** Closes the issue's open questions unanswered, because the issue is cancelled. */
  cancelOpen(change: Change, issueId: string): void {
    for (const question of this.#parts.conversation.openQuestions(issueId)) {
      this.#close(change, question, { status: "CANCELLED" });
    }
  }

  /** Ends the waiting for an answer: the default counts, or the issue is cancelled for want of one. */
  expire(change: Change, questionId: string): void {
    const question = this.#parts.conversation.findQuestion(questionId);
    if (question?.status !== "OPEN") return;
    if (question.defaultAnswer !== null) {
      this.#close(change, question, { status: "DEFAULTED", answer: question.defaultAnswer });
      this.#resume(change, question);
      return;
    }
    this.#close(change, question, { status: "EXPIRED" });
    const reason = "Nobody answered the agent's question in time.";
    this.#parts.cancelIssue(change, question.issueId, { actor: "system", reason });
  }

  /** Notes what a job has heard: it stands in its transcript now. */
  noteHeard(change: Change, { record }: JobState, messageIds: readonly string[]): void {
    if (messageIds.length === 0) return;
    const { id: jobId, issueId, attempts: attempt } = record;
    const unheard = this.#parts.conversation.unheard(issueId).filter(({ id }) => messageIds.includes(id));
    for (const message of unheard) {
      this.#parts.conversation.saveMessage({ ...message, heardByJobId: jobId, heardAtMs: change.nowMs });
    }
    change.append({ type: "message.heard", issueId, jobId, data: { messageIds: [...messageIds], attempt } });
  }

  /** Whether some of these messages stand in a transcript of the job already. */
  hasHeard({ record }: JobState, messageIds: readonly string[]): boolean {
    if (messageIds.length === 0) return false;
    const { messages } = this.#parts.conversation.ofIssue(record.issueId);
    return messages.some(({ id, heardByJobId }) => heardByJobId === record.id && messageIds.includes(id));
  }

  #take(change: Change, command: MessageCommand): Outcome<MessageReceipt> {
    const { issues, jobs, conversation } = this.#parts;
    const { issueId, author, enteredBy } = command;
    const decision = decideMessage(command, {
      status: issues.get(issueId).status,
      jobs: jobs.ofIssue(issueId),
      open: conversation.openQuestions(issueId),
      messageCount: conversation.countMessages(issueId),
    });
    switch (decision.kind) {
      case "refuse":
        return refused(decision.failure);
      case "answer": {
        const closing = { status: "ANSWERED", answer: decision.answer, answeredBy: author, enteredBy } as const;
        const question = this.#close(change, decision.question, closing);
        this.#resume(change, question);
        return { ok: true, value: { kind: "answered", question, replayed: false } };
      }
      case "send":
    }
    return { ok: true, value: { kind: "sent", message: this.send(change, command), replayed: false } };
  }

  /** Stores what a person says, for the next agent of the issue that can hear it. */
  send(
    change: Change,
    { issueId, text, author, enteredBy }: Pick<MessageCommand, "issueId" | "text" | "author" | "enteredBy">,
  ): MessageRecord {
    // Messages are heard in the order of their ids.
    const id = idAfter(change.newId("message"), this.#parts.conversation.lastMessageId(issueId));
    const said = { id, issueId, text, author, enteredBy, sentAtMs: change.nowMs };
    const message: MessageRecord = { ...said, heardByJobId: null, heardAtMs: null };
    this.#parts.conversation.saveMessage(message);
    change.append({ type: "message.sent", issueId, jobId: null, data: { message } });
    return message;
  }

  #close(
    change: Change,
    question: QuestionRecord,
    closing: Pick<QuestionRecord, "status"> & Partial<Pick<QuestionRecord, "answer" | "answeredBy" | "enteredBy">>,
  ): QuestionRecord {
    const closed: QuestionRecord = { ...question, ...closing, closedAtMs: change.nowMs };
    const { issueId, jobId } = question;
    this.#parts.conversation.saveQuestion(closed);
    change.deadlines.clear(`question:${question.id}`);
    change.append({ type: "question.closed", issueId, jobId, data: { question: closed } });
    return closed;
  }

  /** Lets the parked job wait for a slot again, or for the operator who paused it meanwhile. */
  #resume(change: Change, { jobId }: QuestionRecord): void {
    const { jobs } = this.#parts;
    const job = jobs.find(jobId);
    if (job?.record.pausedReason !== "question") return;
    const waiting = moveJob(change, { ...job, signal: null }, { status: "PENDING" });
    jobs.save(
      job.signal === "pause" ? moveJob(change, waiting, { status: "PAUSED", pausedReason: "operator" }) : waiting,
    );
  }
}
