/** Cancels, pauses, resumes and retries issues, for people and for switches. */
import type { CommandAuthor, IssueCommand, Outcome } from "../../contracts/organization-rpc.ts";
import type { IssueCommandName } from "../../contracts/status.ts";
import type { Failure } from "../../core/errors.ts";
import type { Archive } from "./archive.ts";
import type { Change } from "./change.ts";
import { decideCancel, decidePause, decideResume, decideRetry } from "./command-decision.ts";
import type { EffectDesk } from "./effect-desk.ts";
import type { EffectState, EffectTable } from "./effect-table.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobControl } from "./job-control.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import type { PeopleDesk } from "./people-desk.ts";
import { begunAnewAtMs } from "./replay-decision.ts";
import type { Replays } from "./replays.ts";
import type { ReviewDesk } from "./review-desk.ts";
import { canSeeIssuesOf } from "../../contracts/issue-filter.ts";

export interface IssueCommandParts {
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly effectTable: EffectTable;
  readonly effects: EffectDesk;
  readonly reviews: ReviewDesk;
  readonly people: Pick<PeopleDesk, "cancelOpen">;
  readonly jobControl: JobControl;
  readonly archive: Archive;
  readonly replays: Replays;
}

/** Whether something was done: a command that was carried out before changes nothing. */
export type CommandOutcome = Outcome<"done" | "repeated">;

export class IssueCommands {
  readonly #parts: IssueCommandParts;

  constructor(parts: IssueCommandParts) {
    this.#parts = parts;
  }

  /** Carries out what a person asks, if he may ask it. */
  apply(change: Change, command: IssueCommand): CommandOutcome {
    const { issueId, visibility, authority } = command;
    const issue = this.#parts.issues.findVisible(issueId, visibility);
    if (issue === null) return refused({ code: "not_found", detail: "There is no such issue." });
    if (!canSeeIssuesOf(authority, issue.createdById)) {
      return refused({ code: "forbidden", detail: "Only its submitter or a reviewer commands an issue." });
    }
    switch (command.command) {
      case "cancel":
        return this.cancel(change, issueId, command, "cancel");
      case "pause":
        return this.#pause(change, issueId, command);
      case "resume":
        return this.#resume(change, issueId, command);
      case "retry":
    }
    const { replay } = command;
    if (replay === undefined) return this.#retry(change, issueId, command);
    return this.#parts.replays.replay(change, { ...command, replay }, () =>
      this.#tell(change, issueId, "retry", command),
    );
  }

  /**
   * Ends everything of the issue now; `signal` is what its running slice is told. Refused when the issue has ended, or
   * when an approved change may already have reached the outside.
   */
  cancel(change: Change, issueId: string, author: CommandAuthor, signal: "cancel" | "abort"): CommandOutcome {
    const { jobControl, reviews, people, effects } = this.#parts;
    const issue = this.#issue(issueId);
    const decision = decideCancel(issue.status, issue.jobs, issue.effects);
    if (decision.kind === "refuse") return refused(decision.failure);
    if (decision.kind === "repeat") return repeated;
    for (const job of decision.jobs) jobControl.keep(change, job);
    // Nothing of the issue's work follows what tells of its cancellation.
    this.#tell(change, issueId, "cancel", author);
    for (const job of decision.jobs) jobControl.cancel(change, job, author, signal);
    for (const effect of decision.effects) effects.cancel(change, effect);
    reviews.cancelOpen(change, issueId, author);
    people.cancelOpen(change, issueId);
    return done;
  }

  #pause(change: Change, issueId: string, author: CommandAuthor): CommandOutcome {
    const { status, jobs } = this.#issue(issueId);
    const decision = decidePause(status, jobs);
    if (decision.kind === "refuse") return refused(decision.failure);
    if (decision.kind === "repeat") return repeated;
    this.#tell(change, issueId, "pause", author);
    for (const job of decision.jobs) this.#parts.jobControl.pause(change, job);
    return done;
  }

  #resume(change: Change, issueId: string, author: CommandAuthor): CommandOutcome {
    const { status, jobs } = this.#issue(issueId);
    const decision = decideResume(status, jobs);
    if (decision.kind === "refuse") return refused(decision.failure);
    if (decision.kind === "repeat") return repeated;
    this.#tell(change, issueId, "resume", author);
    for (const job of decision.jobs) this.#parts.jobControl.resume(change, job);
    return done;
  }

  #retry(change: Change, issueId: string, author: CommandAuthor): CommandOutcome {
    const { jobControl, effects, archive } = this.#parts;
    const issue = this.#issue(issueId);
    const sinceMs = begunAnewAtMs(issue.jobs);
    const counts = ({ record }: JobState | EffectState): boolean => record.createdAtMs >= sinceMs;
    const decision = decideRetry(issue.status, issue.jobs.filter(counts), issue.effects.filter(counts));
    if (decision.kind === "refuse") return refused(decision.failure);
    if (decision.kind === "repeat") return repeated;
    if (!archive.canBeRepeated(decision.jobs, decision.effects)) {
      return refused({ code: "conflict", detail: "The change that this is about is kept no longer: submit it anew." });
    }
    this.#tell(change, issueId, "retry", author);
    for (const job of decision.jobs) jobControl.again(change, job);
    for (const effect of decision.effects) effects.redrive(change, effect);
    return done;
  }

  #issue(issueId: string): {
    readonly status: ReturnType<IssueTable["get"]>["status"];
    readonly jobs: readonly JobState[];
    readonly effects: readonly EffectState[];
  } {
    const { issues, jobs, effectTable } = this.#parts;
    return { status: issues.get(issueId).status, jobs: jobs.ofIssue(issueId), effects: effectTable.ofIssue(issueId) };
  }

  #tell(change: Change, issueId: string, command: IssueCommandName, { actor, reason }: CommandAuthor): void {
    change.append({ type: "issue.commanded", issueId, jobId: null, data: { command, actor, reason } });
  }
}

const done: CommandOutcome = { ok: true, value: "done" };
const repeated: CommandOutcome = { ok: true, value: "repeated" };

function refused(failure: Failure): CommandOutcome {
  return { ok: false, failure };
}
