import type { FeedbackRecord } from "../../contracts/records.ts";
import { fromStoredJson } from "../stored-json.ts";

/** One person's opinion of an issue at a time. */
export const feedbackMigration = `
  CREATE TABLE feedback (
    issue_id TEXT NOT NULL,
    person TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issue_id, person)
  ) WITHOUT ROWID;
`;

type RecordRow = { record: string };

export class FeedbackTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  save(feedback: FeedbackRecord): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO feedback (issue_id, person, record) VALUES (?, ?, ?)",
      feedback.issueId,
      feedback.person,
      JSON.stringify(feedback),
    );
  }

  find(issueId: string, person: string): FeedbackRecord | null {
    const row = this.#sql
      .exec<RecordRow>("SELECT record FROM feedback WHERE issue_id = ? AND person = ?", issueId, person)
      .next().value;
    return row === undefined ? null : fromStoredJson<FeedbackRecord>(row.record);
  }

  /** Ordered by person. */
  ofIssue(issueId: string): readonly FeedbackRecord[] {
    return this.#sql
      .exec<RecordRow>("SELECT record FROM feedback WHERE issue_id = ? ORDER BY person", issueId)
      .toArray()
      .map(({ record }) => fromStoredJson<FeedbackRecord>(record));
  }
}
