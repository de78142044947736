/** Results of jobs, their large texts and files, and the jobs' logs. */
import type { ArtifactDraft, ArtifactView } from "../../contracts/organization-rpc.ts";
import type { ArtifactRecord, LogRecord, WorkspaceChange } from "../../contracts/records.ts";
import { fromStoredJson } from "../stored-json.ts";
import type { Transaction } from "../transactions.ts";

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

  viewsOfIssue(issueId: string): readonly ArtifactView[] {
    return this.#records("SELECT record FROM artifacts WHERE issue_id = ? ORDER BY rowid", issueId).map((artifact) =>
      this.#viewOf(artifact),
    );
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

  logsOfIssue(issueId: string): readonly LogRecord[] {
    return this.#sql
      .exec<RecordRow>("SELECT record FROM logs WHERE issue_id = ? ORDER BY rowid", issueId)
      .toArray()
      .map(({ record }) => fromStoredJson<LogRecord>(record));
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
