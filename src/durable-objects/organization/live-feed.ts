/** Reads the log and the open issues in the bounded pieces that live sockets send. */
import type { Visibility } from "../../contracts/caller.ts";
import type { LiveIssue } from "../../contracts/live-frames.ts";
import type { IssueRecord, JobRecord } from "../../contracts/records.ts";
import { batchOf, type LiveBatch } from "../live/live-source.ts";
import type { EventLog } from "./event-log.ts";
import type { IssueTable } from "./issue-table.ts";
import type { JobTable } from "./job-table.ts";
import { canSeeIssuesOf } from "../../contracts/issue-filter.ts";

/** So many numbers are looked through at once for a viewer who sees only some of them. */
const scanWindowEvents = 5_000;
const snapshotPageIssues = 50;

/** A viewer of one issue, and of the open ones, reads no others. */
export const liveMigration = `
  CREATE INDEX events_by_issue ON events (issue_id, seq);
  CREATE INDEX issues_by_status ON issues (status, id);
`;

export interface LiveFilter {
  readonly visibility: Visibility;
  /** Null for all issues that the viewer may see. */
  readonly issueId: string | null;
}

export interface IssuePage {
  readonly issues: readonly LiveIssue[];
  /** Where the next page begins; null on the last. */
  readonly nextAfterId: string | null;
}

export interface LiveFeedParts {
  readonly log: EventLog;
  readonly issues: IssueTable;
  readonly jobs: JobTable;
}

export class LiveFeed {
  readonly #parts: LiveFeedParts;

  constructor(parts: LiveFeedParts) {
    this.#parts = parts;
  }

  /** The next events after `seq` that a viewer may see and asked for. */
  batch(filter: LiveFilter, seq: number): LiveBatch {
    const { log } = this.#parts;
    if (filter.issueId !== null && !this.isFor(filter, filter.issueId)) return emptyBatch(log.lastSeq());
    const isWindowed = filter.issueId === null && filter.visibility.kind === "own";
    const throughSeq = isWindowed ? Math.min(log.lastSeq(), seq + scanWindowEvents) : log.lastSeq();
    const rows = log.texts({
      afterSeq: seq,
      throughSeq,
      issueId: filter.issueId,
      createdByIds: isWindowed && filter.visibility.kind === "own" ? filter.visibility.userIds : null,
    });
    return batchOf(rows, seq, throughSeq);
  }

  /** Open issues by id after `afterId`; with an issue asked for, that one, whatever its status. */
  snapshotPage({ visibility, issueId }: LiveFilter, afterId: string): IssuePage {
    if (issueId !== null) {
      const issue = this.#parts.issues.findVisible(issueId, visibility);
      return { issues: issue === null ? [] : [this.#liveIssue(issue)], nextAfterId: null };
    }
    const page = this.#parts.issues.listOpen(afterId, snapshotPageIssues);
    const last = page.length < snapshotPageIssues ? undefined : page.at(-1);
    return {
      issues: page
        .filter((issue) => canSeeIssuesOf(visibility, issue.createdById))
        .map((issue) => this.#liveIssue(issue)),
      nextAfterId: last?.id ?? null,
    };
  }

  /** Whether what happens to an issue is for this viewer. */
  isFor({ visibility, issueId }: LiveFilter, ofIssueId: string): boolean {
    if (issueId !== null && issueId !== ofIssueId) return false;
    return visibility.kind === "all" || this.#parts.issues.findVisible(ofIssueId, visibility) !== null;
  }

  #liveIssue(issue: IssueRecord): LiveIssue {
    return {
      id: issue.id,
      externalId: issue.externalId,
      source: issue.source,
      type: issue.type,
      priority: issue.priority,
      title: issue.title,
      status: issue.status,
      createdById: issue.createdById,
      triage: issue.triage,
      costMicroUsd: issue.costMicroUsd,
      createdAtMs: issue.createdAtMs,
      updatedAtMs: issue.updatedAtMs,
      jobs: this.#parts.jobs.ofIssue(issue.id).map(({ record }) => liveJob(record)),
    };
  }
}

function liveJob(job: JobRecord): LiveIssue["jobs"][number] {
  return {
    id: job.id,
    role: job.role,
    agentType: job.agentType,
    model: job.model,
    status: job.status,
    attempts: job.attempts,
    costMicroUsd: job.costMicroUsd,
    startedAtMs: job.startedAtMs,
    completedAtMs: job.completedAtMs,
  };
}

function emptyBatch(throughSeq: number): LiveBatch {
  return { json: "", lastSeq: null, throughSeq };
}
