import type { Visibility } from "../../contracts/caller.ts";
import { canSeeIssuesOf, changingMatch, unchangingMatch } from "../../contracts/issue-filter.ts";
import type { ListQuery, UnprojectedPart } from "../../contracts/organization-rpc.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { openIssueStatuses } from "../../contracts/status.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";
import { BoundedPart, partBounds, type PartBounds } from "./bounded-part.ts";

type RecordRow = { record: string };
type PositionRow = { id: string; created_at_ms: number };

export class IssueTable {
  readonly #sql: SqlStorage;
  readonly #partBounds: PartBounds;

  constructor(sql: SqlStorage, bounds: PartBounds = partBounds) {
    this.#sql = sql;
    this.#partBounds = bounds;
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

  /** What is answered here of issues with an event after `projectedSeq`. */
  listUnprojected(query: ListQuery, projectedSeq: number): UnprojectedPart<IssueRecord> {
    const { before, filter, visibility } = query;
    const candidates = this.#sql.exec<PositionRow>(
      `SELECT id, created_at_ms FROM issues INDEXED BY issues_by_seq
       WHERE last_seq > ?1 AND (?2 IS NULL OR (created_at_ms, id) < (?2, ?3))
       ORDER BY created_at_ms DESC, id DESC`,
      projectedSeq,
      before?.createdAtMs ?? null,
      before?.id ?? null,
    );
    const isListed = unchangingMatch(filter);
    const part = new BoundedPart<IssueRecord>(query.limit, this.#partBounds);
    for (const { id, created_at_ms: createdAtMs } of candidates) {
      if (part.isFull()) return part.soFar();
      const { record } = this.#sql.exec<RecordRow>("SELECT record FROM issues WHERE id = ?", id).one();
      const issue = fromStoredJson<IssueRecord>(record);
      const fate = changingMatch(issue, filter, visibility) ? "matching" : "replaced";
      part.add(issue, { createdAtMs, id }, isListed(issue) ? fate : "ignored", record.length);
    }
    return part.toTheEnd();
  }
}
