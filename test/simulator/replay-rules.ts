/** Holds replays against what they replay: a new job, after the end of the old one, on the same words where the model is the same. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { JobRecord } from "../../src/contracts/records.ts";
import { isTerminalJobStatus } from "../../src/contracts/status.ts";
import type { ObjectHost } from "./object-host.ts";
import type { OrganizationModel } from "./organization-model.ts";
import { propertyOf } from "./properties.ts";

export interface ReplayRulesParts {
  readonly host: ObjectHost;
  readonly model: OrganizationModel;
  readonly report: (problem: string) => void;
}

export class ReplayRules {
  readonly #parts: ReplayRulesParts;
  /** Replays that were made in the change that is looked at. */
  readonly #made: JobRecord[] = [];

  constructor(parts: ReplayRulesParts) {
    this.#parts = parts;
  }

  /** Takes an event that the model does not know yet. */
  take(event: OrganizationEvent): void {
    if (event.type !== "job.created" || event.data.job.config["replay"] === undefined) return;
    const { model, report } = this.#parts;
    const { id, issueId, retryOf } = event.data.job;
    this.#made.push(event.data.job);
    for (const other of model.jobs.values()) {
      const isAlive = other.record.issueId === issueId && !isTerminalJobStatus(other.status);
      if (isAlive) report(`${id} replays ${retryOf} while ${other.record.id} is ${other.status}`);
    }
  }

  /** Looks at what the replays of a change begin with. */
  committed(): void {
    for (const job of this.#made) this.#lookAtTranscript(job);
    this.#made.length = 0;
  }

  /** Either nothing yet, for a transcript of its own, or what was said before the step, byte for byte. */
  #lookAtTranscript({ id, retryOf, config }: JobRecord): void {
    const { host, report } = this.#parts;
    const { replay } = config;
    const [jobId, attempt, step] = ["jobId", "attempt", "step"].map((name) => propertyOf(replay, name));
    if (jobId !== retryOf) report(`${id} replays ${String(jobId)}, but stands for ${retryOf}`);
    const wordsOf = (where: string, ...bindings: readonly unknown[]): readonly string[] =>
      host.disk
        .query<{ message: string }>(`SELECT message FROM messages WHERE ${where} ORDER BY position`, ...bindings)
        .map(({ message }) => message);
    const begun = wordsOf("job_id = ? AND attempt = 1", id);
    const before = wordsOf("job_id = ? AND attempt = ? AND after_step < ?", jobId, attempt, step);
    if (begun.length > 0 && JSON.stringify(begun) !== JSON.stringify(before))
      report(`${id} begins with other words than ${retryOf} had before step ${String(step)}`);
  }
}
