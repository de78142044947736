/** The tables of the platform's object. A migration that was released is never edited: a change is a new one. */
import { deadlinesMigration } from "../deadlines.ts";
import { breakersMigration } from "./breaker-table.ts";
import { rememberedAnswersMigration } from "../remembered-answers.ts";
import { outcomesMigration } from "./outcome-table.ts";
import { sessionsMigration } from "./session-table.ts";

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

/** Switches with their audit and the operators' stream; and what each organization still wants, ready to be picked from. */
const switchesMigration = `
  CREATE TABLE switches (
    id TEXT PRIMARY KEY,
    concerns TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    switch TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE switch_changes (
    concerns TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    clear TEXT
  ) WITHOUT ROWID;
  CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
  CREATE TABLE platform_events (seq INTEGER PRIMARY KEY, event TEXT NOT NULL);
  ALTER TABLE demands ADD COLUMN has_open_work INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE demands ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE demands ADD COLUMN open_demand INTEGER NOT NULL DEFAULT 0;
  UPDATE demands SET open_demand = MAX(0, demand - (
    SELECT COUNT(*) FROM slots s WHERE s.organization_id = demands.organization_id
      AND (s.is_held = 0 OR s.demand_version = demands.version)))
  WHERE demand > 0 AND satisfied_version < version;
  CREATE INDEX demands_contending ON demands (service, head_priority, oldest_at_ms, organization_id)
    WHERE open_demand > 0;
  CREATE INDEX demands_wanting ON demands (service) WHERE demand > 0;
`;

export const platformMigrations: readonly string[] = [
  deadlinesMigration + firstMigration,
  overridesMigration,
  switchesMigration,
  breakersMigration,
  sessionsMigration,
  rememberedAnswersMigration,
  outcomesMigration,
];
