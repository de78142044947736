/** What people and agents have said to each other, by issue. */
import type { Conversation, MessageRecord, QuestionRecord } from "../../contracts/conversation.ts";
import { fromStoredJson } from "../stored-json.ts";

export const conversationMigration = `
  CREATE TABLE questions (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX questions_by_issue ON questions (issue_id, id);
  CREATE TABLE person_messages (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    is_heard INTEGER NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX person_messages_by_issue ON person_messages (issue_id, id);
  CREATE INDEX person_messages_unheard ON person_messages (issue_id) WHERE is_heard = 0;
`;

type RecordRow = { record: string };

export class ConversationTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  saveQuestion(question: QuestionRecord): void {
    this.#sql.exec(
      `INSERT INTO questions (id, issue_id, status, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, record = excluded.record`,
      question.id,
      question.issueId,
      question.status,
      JSON.stringify(question),
    );
  }

  saveMessage(message: MessageRecord): void {
    this.#sql.exec(
      `INSERT INTO person_messages (id, issue_id, is_heard, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET is_heard = excluded.is_heard, record = excluded.record`,
      message.id,
      message.issueId,
      message.heardByJobId === null ? 0 : 1,
      JSON.stringify(message),
    );
  }

  findQuestion(questionId: string): QuestionRecord | null {
    const row = this.#sql.exec<RecordRow>("SELECT record FROM questions WHERE id = ?", questionId).next().value;
    return row === undefined ? null : fromStoredJson<QuestionRecord>(row.record);
  }

  openQuestions(issueId: string): readonly QuestionRecord[] {
    return this.#records(
      "SELECT record FROM questions WHERE issue_id = ? AND status = 'OPEN' ORDER BY id",
      issueId,
    ).map((record) => fromStoredJson<QuestionRecord>(record));
  }

  ofIssue(issueId: string): Conversation {
    return {
      questions: this.#records("SELECT record FROM questions WHERE issue_id = ? ORDER BY id", issueId).map((record) =>
        fromStoredJson<QuestionRecord>(record),
      ),
      messages: this.#records("SELECT record FROM person_messages WHERE issue_id = ? ORDER BY id", issueId).map(
        (record) => fromStoredJson<MessageRecord>(record),
      ),
    };
  }

  /** What nobody has heard yet, oldest first. */
  unheard(issueId: string): readonly MessageRecord[] {
    return this.#records(
      "SELECT record FROM person_messages WHERE issue_id = ? AND is_heard = 0 ORDER BY id",
      issueId,
    ).map((record) => fromStoredJson<MessageRecord>(record));
  }

  /** The message that was said last; null before the first. */
  lastMessageId(issueId: string): string | null {
    return this.#sql
      .exec<{ id: string | null }>("SELECT MAX(id) AS id FROM person_messages WHERE issue_id = ?", issueId)
      .one().id;
  }

  countMessages(issueId: string): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM person_messages WHERE issue_id = ?", issueId).one()
      .n;
  }

  #records(query: string, issueId: string): readonly string[] {
    return this.#sql
      .exec<RecordRow>(query, issueId)
      .toArray()
      .map(({ record }) => record);
  }
}
