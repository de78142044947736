/** Takes finished issues out of the object, with everything that belongs to them, and brings them back for a command. */
import type { ArchivedIssue } from "../../contracts/organization-rpc.ts";
import { openIssueStatuses } from "../../contracts/status.ts";
import { boundLimit } from "../bound-limit.ts";
import type { ArtifactTable } from "./artifact-table.ts";
import type { ConversationTable } from "./conversation-table.ts";
import { artifactUnderReview } from "./completion.ts";
import type { EffectState, EffectTable } from "./effect-table.ts";
import type { FeedbackTable } from "./feedback-table.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobState } from "./job-state.ts";
import type { JobTable } from "./job-table.ts";
import { idleJob } from "./new-job.ts";
import type { ReviewTable } from "./review-table.ts";
import type { StorageMemory } from "../storage-memory.ts";

/** Null: the issue never left. Else it came back: the steps, logs and artifacts of before are in Postgres only. */
export const archiveMigration = `
  ALTER TABLE issues ADD COLUMN archived_step_count INTEGER;
`;

const jobsOfIssue = "SELECT id FROM jobs WHERE issue_id = ?1";
const artifactsOfIssue = "SELECT id FROM artifacts WHERE issue_id = ?1";

/** What belongs to an issue; what others are found by goes after them. */
const removals: readonly string[] = [
  `DELETE FROM messages WHERE job_id IN (${jobsOfIssue})`,
  `DELETE FROM attempts WHERE job_id IN (${jobsOfIssue})`,
  `DELETE FROM workspace_versions WHERE job_id IN (${jobsOfIssue})`,
  `DELETE FROM artifact_files WHERE artifact_id IN (${artifactsOfIssue})`,
  `DELETE FROM bodies WHERE id IN (
     SELECT json_extract(record, '$.contentBodyId') FROM artifacts WHERE issue_id = ?1
     UNION ALL SELECT json_extract(record, '$.diffPatchBodyId') FROM artifacts WHERE issue_id = ?1
   )`,
  "DELETE FROM steps WHERE issue_id = ?1",
  "DELETE FROM logs WHERE issue_id = ?1",
  "DELETE FROM artifacts WHERE issue_id = ?1",
  "DELETE FROM questions WHERE issue_id = ?1",
  "DELETE FROM person_messages WHERE issue_id = ?1",
  "DELETE FROM reviews WHERE issue_id = ?1",
  "DELETE FROM effects WHERE issue_id = ?1",
  "DELETE FROM feedback WHERE issue_id = ?1",
  "DELETE FROM dead_letters WHERE issue_id = ?1",
  "DELETE FROM jobs WHERE issue_id = ?1",
  "DELETE FROM issues WHERE id = ?1",
];

export interface ArchiveParts {
  readonly memory: StorageMemory;
  readonly issues: IssueTable;
  readonly jobs: JobTable;
  readonly artifacts: ArtifactTable;
  readonly reviews: ReviewTable;
  readonly effects: EffectTable;
  readonly conversation: ConversationTable;
  readonly feedback: FeedbackTable;
}

export class Archive {
  readonly #parts: ArchiveParts;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  /** Finished issues whose last event was pruned, at most `limit`. */
  leaving(prunedSeq: number, limit: number): readonly string[] {
    return this.#parts.memory.sql
      .exec<{ id: string }>(
        `SELECT id FROM issues WHERE last_seq <= ? AND status NOT IN (SELECT value FROM json_each(?))
         ORDER BY last_seq ${boundLimit}`,
        prunedSeq,
        JSON.stringify(openIssueStatuses),
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** Deletes an issue and all that belongs to it. */
  remove(issueId: string): void {
    const { memory } = this.#parts;
    for (const removal of removals) memory.sql.exec(removal, issueId);
    memory.forget();
  }

  /**
   * Brings an issue back as Postgres holds it; one that is here stays as it is. False when nothing was brought back. Its
   * transcripts, workspaces and files are gone for good.
   */
  restore({ issue, jobs, reviews, effects, feedback, questions, messages, stepCount }: ArchivedIssue): boolean {
    const { memory, issues } = this.#parts;
    if (issues.find(issue.id) !== null) return false;
    issues.save(issue);
    memory.sql.exec("UPDATE issues SET archived_step_count = ? WHERE id = ?", stepCount, issue.id);
    for (const record of jobs) this.#parts.jobs.save(idleJob(record));
    for (const review of reviews) this.#parts.reviews.save(review);
    for (const question of questions) this.#parts.conversation.saveQuestion(question);
    for (const message of messages) this.#parts.conversation.saveMessage(message);
    for (const record of effects) {
      this.#parts.effects.save({ record, plan: null, epoch: 0, leaseUntilMs: null, readyAtMs: record.updatedAtMs });
    }
    for (const given of feedback) this.#parts.feedback.save(given);
    return true;
  }

  /** Whether what these are about is still here: the change that a job reviews, the plan that an effect carries out. */
  canBeRepeated(jobs: readonly JobState[], effects: readonly EffectState[]): boolean {
    const isHere = (job: JobState): boolean => {
      const artifactId = artifactUnderReview(job);
      return artifactId === null || this.#parts.artifacts.find(artifactId) !== null;
    };
    return jobs.every(isHere) && effects.every(({ plan }) => plan !== null);
  }

  /** Steps that an issue that came back had before; null for one that never left. */
  earlierSteps(issueId: string): number | null {
    const row = this.#parts.memory.sql
      .exec<{ n: number | null }>("SELECT archived_step_count AS n FROM issues WHERE id = ?", issueId)
      .next().value;
    return row?.n ?? null;
  }
}
