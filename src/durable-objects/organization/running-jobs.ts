/** Reaches every job that runs now, for switches that drain or abort. */
import type { CommandAuthor } from "../../contracts/organization-rpc.ts";
import type { Change } from "./change.ts";
import type { IssueCommands } from "./issue-commands.ts";
import type { JobControl } from "./job-control.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";

export interface RunningJobsParts {
  readonly jobs: JobTable;
  readonly jobControl: JobControl;
  readonly commands: IssueCommands;
}

export class RunningJobs {
  readonly #parts: RunningJobsParts;

  constructor(parts: RunningJobsParts) {
    this.#parts = parts;
  }

  /**
   * Has every matching job leave its slot at its next checkpoint; it uses up no attempt and waits like any other. The
   * caller sees to it that what must not start again does not. Returns how many were told.
   */
  drain(change: Change, matches: (job: JobState) => boolean): number {
    const told = this.#matching(matches);
    for (const job of told) this.#parts.jobControl.yield(change, job);
    return told.length;
  }

  /** Cancels the issue of every matching job now. Returns how many were cancelled. */
  abort(change: Change, author: CommandAuthor, matches: (job: JobState) => boolean): number {
    const issueIds = new Set(this.#matching(matches).map(({ record }) => record.issueId));
    const outcomes = [...issueIds].map((issueId) => this.#parts.commands.cancel(change, issueId, author, "abort"));
    return outcomes.filter((outcome) => outcome.ok && outcome.value === "done").length;
  }

  #matching(matches: (job: JobState) => boolean): readonly JobState[] {
    return this.#parts.jobs.running().filter((job) => matches(job));
  }
}
