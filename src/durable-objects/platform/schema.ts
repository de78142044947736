/** The tables of the platform's object. A migration that was released is never edited: a change is a new one. */
import { deadlinesMigration } from "../deadlines.ts";

const firstMigration = `
  CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    terms TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE demands (
    organization_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    demand INTEGER NOT NULL,
    head_priority INTEGER,
    oldest_at_ms INTEGER,
    weight INTEGER NOT NULL,
    satisfied_version INTEGER NOT NULL,
    service REAL NOT NULL,
    reported_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE slots (
    slot_id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    organization_id TEXT NOT NULL,
    is_held INTEGER NOT NULL,
    demand_version INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX slots_by_organization ON slots (organization_id);
  CREATE TABLE health_samples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sample TEXT NOT NULL
  );
`;

/** Overrides of limits once had no expiry. */
const overridesMigration = `
  UPDATE organizations SET settings = json_set(
    settings, '$.limitOverrides',
    json_object('limits', json_extract(settings, '$.limitOverrides'), 'expiresAtMs', NULL)
  );
`;

export const platformMigrations: readonly string[] = [deadlinesMigration + firstMigration, overridesMigration];
