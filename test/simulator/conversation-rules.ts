/** Holds what people and agents say to each other: everything is heard once and in order, and an answer resumes once. */
import type { QuestionRecord } from "../../src/contracts/conversation.ts";
import type { EventDataOf, OrganizationEvent } from "../../src/contracts/events.ts";
import type { ObjectHost } from "./object-host.ts";
import type { OrganizationModel } from "./organization-model.ts";
import { lateness } from "./overdue.ts";
import { saidOnce } from "./people.ts";

export interface ConversationRulesParts {
  readonly host: ObjectHost;
  readonly model: OrganizationModel;
  /** When the faults stopped; null while they have not. */
  readonly faultsStoppedAtMs: () => number | null;
  readonly report: (problem: string) => void;
}

export class ConversationRules {
  readonly #parts: ConversationRulesParts;
  readonly #questions = new Map<string, QuestionRecord>();
  /** What of each issue nobody has heard, in the order in which it was said. */
  readonly #unheard = new Map<string, readonly string[]>();
  readonly #saidUnderKeys = new Set<string>();
  /** Jobs whose question was answered, or defaulted, in the change that is looked at. */
  readonly #answered = new Set<string>();

  constructor(parts: ConversationRulesParts) {
    this.#parts = parts;
  }

  /** Takes an event that the model does not know yet. */
  take(event: OrganizationEvent): void {
    if (event.type === "message.sent") this.#takeMessage(event.issueId, event.data.message);
    else if (event.type === "message.heard") this.#hear(event.issueId, event.jobId ?? "", event.data);
    else if (event.type === "question.asked") this.#questions.set(event.data.question.id, event.data.question);
    else if (event.type === "question.closed") this.#close(event.data.question, event.atMs);
    else if (event.type === "review.decided" && event.data.review.status === "EXPIRED")
      this.#lookAtExpiry(event.data.review, event.atMs);
    else if (event.type === "job.status_changed" && event.data.status === "PENDING") this.#goOn(event.jobId ?? "");
  }

  /** Looks at what a change has left: an answer lets its job go on at once. */
  committed(): void {
    for (const jobId of this.#answered) this.#parts.report(`${jobId} was answered, and does not go on`);
    this.#answered.clear();
  }

  /** Questions that wait for an answer now. */
  open(): readonly QuestionRecord[] {
    return [...this.#questions.values()].filter(({ status }) => status === "OPEN");
  }

  /** How many messages to an issue nobody has heard. */
  unheardOf(issueId: string): number {
    return this.#unheard.get(issueId)?.length ?? 0;
  }

  #takeMessage(issueId: string, { id, text }: EventDataOf<"message.sent">["message"]): void {
    const { report } = this.#parts;
    if (text.startsWith(saidOnce) && this.#saidUnderKeys.has(`${issueId} ${text}`)) report(`${id} was said before`);
    this.#saidUnderKeys.add(`${issueId} ${text}`);
    this.#unheard.set(issueId, [...(this.#unheard.get(issueId) ?? []), id]);
  }

  /** What is heard now is what was said first of all that nobody has heard, and stands in the transcript once. */
  #hear(issueId: string, jobId: string, { messageIds, attempt }: EventDataOf<"message.heard">): void {
    const { host, report } = this.#parts;
    const unheard = this.#unheard.get(issueId) ?? [];
    if (messageIds.some((id, index) => unheard[index] !== id))
      report(`${jobId} hears ${messageIds.join(", ")} where ${unheard.join(", ")} is next`);
    this.#unheard.set(
      issueId,
      unheard.filter((id) => !messageIds.includes(id)),
    );
    for (const id of messageIds) {
      const [found] = host.disk.query<{ n: number }>(
        "SELECT COUNT(*) AS n FROM messages WHERE job_id = ? AND attempt = ? AND instr(message, ?)",
        jobId,
        attempt,
        id,
      );
      if (found?.n !== 1) report(`${id} stands ${found?.n} times in the transcript of ${jobId}`);
    }
  }

  #close(question: QuestionRecord, atMs: number): void {
    const { id, jobId, status, answer } = question;
    const before = this.#questions.get(id);
    if (before?.status !== "OPEN") this.#parts.report(`${id}, ${before?.status}, was closed: ${status}`);
    this.#questions.set(id, question);
    if (answer !== null) this.#answered.add(jobId);
    if (status === "DEFAULTED" && answer !== question.defaultAnswer) this.#parts.report(`${id} took another default`);
    if (status === "DEFAULTED" || status === "EXPIRED") this.#lookAtExpiry(question, atMs);
  }

  /** A job that waited for an answer goes on once for each that came. */
  #goOn(jobId: string): void {
    const { model, report } = this.#parts;
    if (model.jobs.get(jobId)?.pausedReason !== "question") return;
    if (!this.#answered.delete(jobId)) report(`${jobId} goes on, and nobody has answered it`);
  }

  /** What waited for a person is ended when its time is over, not before, and hardly later. */
  #lookAtExpiry({ id, expiresAtMs }: { readonly id: string; readonly expiresAtMs: number | null }, atMs: number): void {
    const { faultsStoppedAtMs, report } = this.#parts;
    if (expiresAtMs === null || atMs < expiresAtMs) report(`${id} has expired before its time`);
    const lateMs = lateness(expiresAtMs ?? atMs, atMs, faultsStoppedAtMs());
    if (lateMs > 0) report(`${id} has expired ${lateMs} ms too late`);
  }
}
