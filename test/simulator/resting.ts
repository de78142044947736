/** Which issues may rest when everything else has ended: somebody has yet to decide, to pay, or to let them go on. */
import type { QuestionRecord } from "../../src/contracts/conversation.ts";
import type { IssueStatus } from "../../src/contracts/status.ts";
import { isTerminalJobStatus } from "../../src/contracts/status.ts";
import type { ObjectHost } from "./object-host.ts";
import type { ModelJob, OrganizationModel } from "./organization-model.ts";
import { holdsPullRequests, isHeldByPlatform } from "./platform-rules.ts";

/** The issue has ended, or someone has yet to decide. */
const restingStatuses: ReadonlySet<IssueStatus> = new Set<IssueStatus>(["COMPLETED", "FAILED", "CANCELLED", "REVIEW"]);

export class Resting {
  readonly #platform: ObjectHost;
  readonly #host: ObjectHost;
  readonly #model: OrganizationModel;
  readonly #hasMoney: boolean;
  readonly #questions: readonly QuestionRecord[];

  /** `questions` are those that are open. */
  constructor(
    platform: ObjectHost,
    host: ObjectHost,
    model: OrganizationModel,
    { hasMoney, questions }: { readonly hasMoney: boolean; readonly questions: readonly QuestionRecord[] },
  ) {
    this.#platform = platform;
    this.#host = host;
    this.#model = model;
    this.#hasMoney = hasMoney;
    this.#questions = questions;
  }

  mayRest(issueId: string, status: IssueStatus): boolean {
    if (restingStatuses.has(status) || this.#isHeld(issueId, status)) return true;
    const key = this.#model.facts.get(issueId)?.concurrencyKey ?? null;
    if (status !== "QUEUED" || key === null) return false;
    // Another issue has the key, and is held itself.
    return [...this.#model.issues].some(
      ([otherId, other]) => this.#model.facts.get(otherId)?.concurrencyKey === key && this.#isHeld(otherId, other),
    );
  }

  /** Whether it waits past the time until which it was wanted, with work that was there by then. */
  isUnwanted(issueId: string, status: IssueStatus): boolean {
    const expiresAtMs = this.#model.facts.get(issueId)?.expiresAtMs ?? null;
    if (expiresAtMs === null || expiresAtMs > this.#host.nowMs()) return false;
    if (status !== "QUEUED" && status !== "PENDING") return false;
    return this.#openJobs(issueId).some((job) => job.record.createdAtMs < expiresAtMs && job.status === "PENDING");
  }

  #isHeld(issueId: string, status: IssueStatus): boolean {
    if (this.#model.paused.has(issueId)) return true;
    const jobs = this.#openJobs(issueId);
    if (status === "PENDING") return this.#isPutOff(issueId);
    if (jobs.some((job) => job.status === "PAUSED" && this.#isAsking(job))) return true;
    if (status === "PROCESSING") return jobs.length === 0 && holdsPullRequests(this.#platform, this.#host.name);
    if (status !== "QUEUED") return false;
    const isSwitchedOff = jobs.some(({ record }) => isHeldByPlatform(this.#platform, record));
    return isSwitchedOff || !this.#hasMoney || this.#isPutOff(issueId);
  }

  /** A job that does an earlier one again waits for the issue's time, too. */
  #isPutOff(issueId: string): boolean {
    return (this.#model.facts.get(issueId)?.notBeforeMs ?? 0) > this.#host.nowMs();
  }

  /** An answer has to come, and its time is not over. */
  #isAsking({ record }: ModelJob): boolean {
    const nowMs = this.#host.nowMs();
    return this.#questions.some(({ jobId, expiresAtMs }) => jobId === record.id && (expiresAtMs ?? 0) > nowMs);
  }

  #openJobs(issueId: string): readonly ModelJob[] {
    return [...this.#model.jobs.values()].filter(
      (job) => job.record.issueId === issueId && !isTerminalJobStatus(job.status),
    );
  }
}
