/** Results of jobs, their large texts and files, and the jobs' logs. */
import type { ArtifactDraft, ArtifactView, IssuePart } from "../../contracts/organization-rpc.ts";
import type { ArtifactRecord, LogRecord, WorkspaceChange } from "../../contracts/records.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { Transaction } from "../transactions.ts";
import { boundedItems } from "./bounded-part.ts";

type RecordRow = { record: string };

export class ArtifactTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores a draft with its texts and files; the record names the texts by id. */
  create(
    { newId, nowMs }: Pick<Transaction, "newId" | "nowMs">,
    job: { readonly id: string; readonly issueId: string },
    draft: ArtifactDraft,
  ): ArtifactRecord {
    const id = newId("artifact");
    const record: ArtifactRecord = {
      id,
      jobId: job.id,
      issueId: job.issueId,
      type: draft.type,
      name: draft.name,
      contentBodyId: `${id}:content`,
      filePath: draft.filePath,
      diffPatchBodyId: draft.diffPatch === null ? null : `${id}:patch`,
      metadata: { ...draft.metadata },
      createdAtMs: nowMs,
    };
    this.#sql.exec(
      "INSERT INTO artifacts (id, issue_id, job_id, type, record) VALUES (?, ?, ?, ?, ?)",
      id,
      job.issueId,
      job.id,
      draft.type,
      JSON.stringify(record),
    );
    this.#saveBody(record.contentBodyId, draft.content);
    if (record.diffPatchBodyId !== null) this.#saveBody(record.diffPatchBodyId, draft.diffPatch ?? "");
    for (const { path, content } of draft.files) {
      this.#sql.exec("INSERT INTO artifact_files (artifact_id, path, content) VALUES (?, ?, ?)", id, path, content);
    }
    return record;
  }

  find(artifactId: string): ArtifactRecord | null {
    const row = this.#sql.exec<RecordRow>("SELECT record FROM artifacts WHERE id = ?", artifactId).next().value;
    return row === undefined ? null : fromStoredJson<ArtifactRecord>(row.record);
  }

  /** The artifact with its texts; throws when it is not here, which no sequence of calls can bring about. */
  view(artifactId: string): ArtifactView {
    const artifact = this.find(artifactId);
    if (artifact === null) throw new Error(`artifact ${artifactId} is missing`);
    return this.#viewOf(artifact);
  }

  /** The issue's artifacts with their texts after the one with an id, oldest first. */
  viewsOfIssue(issueId: string, afterId: string | null, limit: number): IssuePart<ArtifactView> {
    const rows = this.#sql.exec<RecordRow>(
      `SELECT record FROM artifacts
       WHERE issue_id = ?1 AND rowid > COALESCE((SELECT rowid FROM artifacts WHERE id = ?2), 0) ORDER BY rowid`,
      issueId,
      afterId ?? "",
    );
    return boundedItems(rows, limit, ({ record }) => {
      const view = this.#viewOf(fromStoredJson<ArtifactRecord>(record));
      return [view, view.content.length + (view.diffPatch?.length ?? 0)];
    });
  }

  /** The job's artifacts, in the order they were made. */
  ofJob(jobId: string): readonly ArtifactRecord[] {
    return this.#records("SELECT record FROM artifacts WHERE job_id = ? ORDER BY rowid", jobId);
  }

  files(artifactId: string): readonly WorkspaceChange[] {
    return this.#sql
      .exec<{ path: string; content: string | null }>(
        "SELECT path, content FROM artifact_files WHERE artifact_id = ? ORDER BY path",
        artifactId,
      )
      .toArray();
  }

  /** Texts by id; unknown ids are left out. */
  bodies(bodyIds: readonly string[]): Readonly<Record<string, string>> {
    return Object.fromEntries(
      bodyIds.flatMap((bodyId) => {
        const text = this.#body(bodyId);
        return text === null ? [] : [[bodyId, text]];
      }),
    );
  }

  saveLog(issueId: string, log: LogRecord): void {
    this.#sql.exec("INSERT INTO logs (id, issue_id, record) VALUES (?, ?, ?)", log.id, issueId, JSON.stringify(log));
  }

  /** What the issue's jobs logged after the line with an id, oldest first. */
  logsOfIssue(issueId: string, afterId: string | null, limit: number): IssuePart<LogRecord> {
    const rows = this.#sql.exec<RecordRow>(
      "SELECT record FROM logs WHERE issue_id = ?1 AND id > ?2 ORDER BY id",
      issueId,
      afterId ?? "",
    );
    return boundedItems(rows, limit, ({ record }) => [fromStoredJson<LogRecord>(record), record.length]);
  }

  #records(query: string, id: string): readonly ArtifactRecord[] {
    return this.#sql
      .exec<RecordRow>(query, id)
      .toArray()
      .map(({ record }) => fromStoredJson<ArtifactRecord>(record));
  }

  #viewOf(artifact: ArtifactRecord): ArtifactView {
    return {
      artifact,
      content: this.#body(artifact.contentBodyId) ?? "",
      diffPatch: artifact.diffPatchBodyId === null ? null : this.#body(artifact.diffPatchBodyId),
    };
  }

  #body(bodyId: string): string | null {
    return this.#sql.exec<{ text: string }>("SELECT text FROM bodies WHERE id = ?", bodyId).next().value?.text ?? null;
  }

  #saveBody(bodyId: string, text: string): void {
    this.#sql.exec("INSERT INTO bodies (id, text) VALUES (?, ?)", bodyId, text);
  }
}
