/** The tables of a repository's object. A migration that was released is never edited: a change is a new one. */
export const repositoryMigrations: readonly string[] = [
  `
  CREATE TABLE commits (
    commit_id TEXT PRIMARY KEY,
    is_sealed INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE files (
    commit_id TEXT NOT NULL,
    path TEXT NOT NULL,
    blob_id TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    mode TEXT NOT NULL,
    has_content INTEGER NOT NULL,
    PRIMARY KEY (commit_id, path)
  ) WITHOUT ROWID;
  CREATE TABLE blobs (
    blob_id TEXT PRIMARY KEY,
    text TEXT
  );
  `,
];
