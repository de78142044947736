import type { ReviewQuery, UnprojectedPart } from "../../contracts/organization-rpc.ts";
import type { ReviewRecord } from "../../contracts/records.ts";
import type { StorageMemory } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";
import { RowsByOwner } from "../transaction-rows.ts";
import { BoundedPart, partBounds } from "./bounded-part.ts";

type RecordRow = { record: string };

export class ReviewTable {
  readonly #sql: SqlStorage;
  readonly #byIssue: RowsByOwner<ReviewRecord>;

  constructor(sql: SqlStorage, memory: StorageMemory) {
    this.#sql = sql;
    this.#byIssue = new RowsByOwner(memory);
  }

  save(review: ReviewRecord): void {
    this.#sql.exec(
      "INSERT INTO reviews (id, issue_id, status, record) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, record = excluded.record",
      review.id,
      review.issueId,
      review.status,
      JSON.stringify(review),
    );
    this.#byIssue.keep(review.issueId, review.id, review);
  }

  find(reviewId: string): ReviewRecord | null {
    const row = this.#sql.exec<RecordRow>("SELECT record FROM reviews WHERE id = ?", reviewId).next().value;
    return row === undefined ? null : fromStoredJson<ReviewRecord>(row.record);
  }

  ofIssue(issueId: string): readonly ReviewRecord[] {
    return this.#byIssue.of(issueId, () =>
      this.#records("SELECT record FROM reviews WHERE issue_id = ? ORDER BY rowid", issueId).map((review) => [
        review.id,
        review,
      ]),
    );
  }

  /** What is answered here of reviews whose issues have an event after `projectedSeq`. */
  listUnprojected({ status, before, limit }: ReviewQuery, projectedSeq: number): UnprojectedPart<ReviewRecord> {
    const rows = this.#sql.exec<RecordRow>(
      `SELECT reviews.record AS record
       FROM issues INDEXED BY issues_by_seq JOIN reviews ON reviews.issue_id = issues.id
       WHERE last_seq > ?1
         AND (?2 IS NULL OR (json_extract(reviews.record, '$.createdAtMs'), reviews.id) < (?2, ?3))
       ORDER BY json_extract(reviews.record, '$.createdAtMs') DESC, reviews.id DESC`,
      projectedSeq,
      before?.createdAtMs ?? null,
      before?.id ?? null,
    );
    const part = new BoundedPart<ReviewRecord>(limit, partBounds);
    for (const { record } of rows) {
      if (part.isFull()) return part.soFar();
      const review = fromStoredJson<ReviewRecord>(record);
      const { createdAtMs, id } = review;
      const isMatching = status === null || status.includes(review.status);
      part.add(review, { createdAtMs, id }, isMatching ? "matching" : "replaced", record.length);
    }
    return part.toTheEnd();
  }

  #records(query: string, ...bindings: readonly (string | number | null)[]): readonly ReviewRecord[] {
    return this.#sql
      .exec<RecordRow>(query, ...bindings)
      .toArray()
      .map(({ record }) => fromStoredJson<ReviewRecord>(record));
  }
}
