import type { Visibility } from "../../contracts/caller.ts";
import type { ListQuery, UnprojectedIssues } from "../../contracts/organization-rpc.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { openIssueStatuses } from "../../contracts/status.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";
import { canSeeIssuesOf } from "./visibility.ts";

type RecordRow = { record: string };

export class IssueTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores the issue; `lastSeq` is the number of the last event that tells of it, and never goes back. */
  save(issue: IssueRecord, lastSeq = 0): void {
    this.#sql.exec(
      `INSERT INTO issues (id, created_at_ms, status, type, priority, created_by_id, last_seq, record)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         status = excluded.status, last_seq = MAX(last_seq, excluded.last_seq), record = excluded.record`,
      issue.id,
      issue.createdAtMs,
      issue.status,
      issue.type,
      issue.priority,
      issue.createdById,
      lastSeq,
      JSON.stringify(issue),
    );
  }

  /** The issue, or null when it is not here. */
  find(issueId: string): IssueRecord | null {
    const row = this.#sql.exec<RecordRow>("SELECT record FROM issues WHERE id = ?", issueId).next().value;
    return row === undefined ? null : fromStoredJson<IssueRecord>(row.record);
  }

  /** The issue, or null when it is not here or the viewer may not know of it. */
  findVisible(issueId: string, visibility: Visibility): IssueRecord | null {
    const issue = this.find(issueId);
    return issue !== null && canSeeIssuesOf(visibility, issue.createdById) ? issue : null;
  }

  /** The issue of something stored here; throws when there is none, which no sequence of calls can bring about. */
  get(issueId: string): IssueRecord {
    const issue = this.find(issueId);
    if (issue === null) throw new Error(`issue ${issueId} is missing`);
    return issue;
  }

  /** Issues that are not finished, by id after `afterId`. */
  listOpen(afterId: string, limit: number): readonly IssueRecord[] {
    return this.#sql
      .exec<RecordRow>(
        `SELECT record FROM issues WHERE id > ? AND status IN (SELECT value FROM json_each(?)) ORDER BY id ${boundLimit}`,
        afterId,
        JSON.stringify(openIssueStatuses),
        limit,
      )
      .toArray()
      .map(({ record }) => fromStoredJson<IssueRecord>(record));
  }

  /** Issues with an event after `projectedSeq`, newest first. */
  listUnprojected(query: ListQuery, projectedSeq: number): UnprojectedIssues {
    const issues = this.#sql
      .exec<RecordRow>(
        "SELECT record FROM issues WHERE last_seq > ? ORDER BY created_at_ms DESC, id DESC",
        projectedSeq,
      )
      .toArray()
      .map(({ record }) => fromStoredJson<IssueRecord>(record));
    return {
      matching: issues.filter((issue) => matches(issue, query)).slice(0, query.limit),
      replacedIds: issues.map(({ id }) => id),
    };
  }
}

function matches(issue: IssueRecord, { visibility, filter, before }: ListQuery): boolean {
  return (
    canSeeIssuesOf(visibility, issue.createdById) &&
    (filter.status === undefined || issue.status === filter.status) &&
    (filter.type === undefined || issue.type === filter.type) &&
    (filter.priority === undefined || issue.priority === filter.priority) &&
    (before === null ||
      issue.createdAtMs < before.createdAtMs ||
      (issue.createdAtMs === before.createdAtMs && issue.id < before.id))
  );
}
