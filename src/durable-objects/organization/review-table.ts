import type { ReviewRecord } from "../../contracts/records.ts";
import { boundLimit } from "../bound-limit.ts";
import type { StorageMemory } from "../storage-memory.ts";
import { fromStoredJson } from "../stored-json.ts";
import { RowsByOwner } from "../transaction-rows.ts";

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

  /** Newest first; `status` null lists all. */
  list(status: ReviewRecord["status"] | null, limit: number): readonly ReviewRecord[] {
    return this.#records(
      `SELECT record FROM reviews WHERE ? IS NULL OR status = ? ORDER BY rowid DESC ${boundLimit}`,
      status,
      status,
      limit,
    );
  }

  #records(query: string, ...bindings: readonly (string | number | null)[]): readonly ReviewRecord[] {
    return this.#sql
      .exec<RecordRow>(query, ...bindings)
      .toArray()
      .map(({ record }) => fromStoredJson<ReviewRecord>(record));
  }
}
