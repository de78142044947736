import type { Visibility } from "../../contracts/caller.ts";
import { canSeeIssuesOf, changingMatch, unchangingMatch } from "../../contracts/issue-filter.ts";
import type { ListQuery, UnprojectedPart } from "../../contracts/organization-rpc.ts";
import type { IssueRecord } from "../../contracts/records.ts";
import { type BlockingLimit, openIssueStatuses } from "../../contracts/status.ts";
import { boundLimit } from "../bound-limit.ts";
import type { StorageMemory } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";
import { RowsWrittenOnce } from "../transaction-rows.ts";
import { BoundedPart, partBounds, type PartBounds } from "./bounded-part.ts";

/** What was told last of why an issue waits, as JSON; null where it is what goes without saying. */
export const toldLimitMigration = `
  ALTER TABLE issues ADD COLUMN told_limit TEXT;
  UPDATE issues SET told_limit = (SELECT json_quote(blocking_limit) FROM told_limits WHERE issue_id = issues.id);
  DROP TABLE told_limits;
`;

/** A limit that was told; `limit` null tells that nothing is waited for. */
export interface ToldLimit {
  readonly limit: BlockingLimit;
}

interface IssueRow {
  readonly issue: IssueRecord;
  readonly lastSeq: number;
  readonly told: ToldLimit | null;
}

type RecordRow = { record: string };
type PositionRow = { id: string; created_at_ms: number };
type StoredRow = { record: string; last_seq: number; told_limit: string | null };

/** The issues. A transaction reads and writes each row at most once. */
export class IssueTable {
  readonly #sql: Pick<SqlStorage, "exec">;
  readonly #memory: StorageMemory;
  readonly #rows: RowsWrittenOnce<IssueRow>;
  readonly #partBounds: PartBounds;

  constructor(sql: SqlStorage, memory: StorageMemory, bounds: PartBounds = partBounds) {
    this.#partBounds = bounds;
    this.#sql = memory.sql;
    this.#memory = memory;
    this.#rows = new RowsWrittenOnce(memory, {
      read: (issueId) => readRow(sql, issueId),
      write: (row) => writeRow(sql, row),
    });
  }

  /** Stores an issue that this transaction has made. */
  add(issue: IssueRecord): void {
    this.#memory.noteNew(issue.id);
    this.save(issue);
  }

  /** Stores the issue; `lastSeq` is the number of the last event that tells of it, and never goes back. */
  save(issue: IssueRecord, lastSeq = 0): void {
    const row = this.#rows.find(issue.id);
    this.#rows.save(issue.id, { issue, lastSeq: Math.max(row?.lastSeq ?? 0, lastSeq), told: row?.told ?? null });
  }

  /** What was told last of why the issue waits; null when that goes without saying. */
  toldLimit(issueId: string): ToldLimit | null {
    return this.#rows.find(issueId)?.told ?? null;
  }

  /** Keeps what is told of why the issue waits. */
  tell(issueId: string, told: ToldLimit | null): void {
    const row = this.#rows.find(issueId);
    if (row !== null && (row.told !== null || told !== null)) this.#rows.save(issueId, { ...row, told });
  }

  /** The issue, or null when it is not here. */
  find(issueId: string): IssueRecord | null {
    return this.#rows.find(issueId)?.issue ?? null;
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

function readRow(sql: SqlStorage, issueId: string): IssueRow | null {
  const row = sql.exec<StoredRow>("SELECT record, last_seq, told_limit FROM issues WHERE id = ?", issueId).next().value;
  if (row === undefined) return null;
  return {
    issue: fromStoredJson<IssueRecord>(row.record),
    lastSeq: row.last_seq,
    told: row.told_limit === null ? null : { limit: fromStoredJson<BlockingLimit>(row.told_limit) },
  };
}

function writeRow(sql: SqlStorage, { issue, lastSeq, told }: IssueRow): void {
  sql.exec(
    `INSERT INTO issues (id, created_at_ms, status, type, priority, created_by_id, last_seq, record, told_limit)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET
       status = excluded.status, last_seq = excluded.last_seq, record = excluded.record, told_limit = excluded.told_limit`,
    issue.id,
    issue.createdAtMs,
    issue.status,
    issue.type,
    issue.priority,
    issue.createdById,
    lastSeq,
    JSON.stringify(issue),
    told === null ? null : JSON.stringify(told.limit),
  );
}
