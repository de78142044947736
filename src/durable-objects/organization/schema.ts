/** The tables of an organization's object. A migration that was released is never edited: a change is a new one. */
import { deadlinesMigration } from "../deadlines.ts";
import { archiveMigration } from "./archive.ts";
import { replayMigration } from "./attempt-table.ts";
import { budgetMigration } from "./budget-table.ts";
import { dryRunMigration } from "./effect-table.ts";
import { conversationMigration } from "./conversation-table.ts";
import { concurrencyKeysMigration } from "./concurrency-keys.ts";
import { keyUsesMigration } from "./key-use-table.ts";
import { feedbackMigration } from "./feedback-table.ts";
import { liveMigration } from "./live-feed.ts";
import { toldLimitMigration } from "./issue-table.ts";
import { backlogMigration } from "./job-table.ts";
import { openWorkMigration } from "./open-work.ts";
import { outcomesMigration } from "./outcome-reporter.ts";
import { rememberedAnswersMigration } from "../remembered-answers.ts";
import { retentionMigration } from "./retention.ts";
import { waitingMigration } from "./waiting.ts";
import { delayedJobsMigration } from "./waiting-queue.ts";
import { submissionsMigration } from "./submission-table.ts";
import { usedTicketsMigration } from "./used-tickets.ts";
import { deadLettersMigration } from "./dead-letters.ts";
import { decisionsMigration } from "./decision-log.ts";
import { controlMigration } from "./job-state.ts";
import { differencesMigration } from "./workspace-table.ts";

/** What a record holds is JSON; columns beside it are what queries select or order by. */
const firstMigration = `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    issue_id TEXT NOT NULL,
    event TEXT NOT NULL
  );
  CREATE TABLE issues (
    id TEXT PRIMARY KEY,
    created_at_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    type TEXT NOT NULL,
    priority TEXT NOT NULL,
    created_by_id TEXT,
    last_seq INTEGER NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX issues_by_time ON issues (created_at_ms, id);
  CREATE INDEX issues_by_seq ON issues (last_seq);
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    status TEXT NOT NULL,
    slot_id TEXT,
    priority INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    queue_key INTEGER NOT NULL,
    ready_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL
  );
  CREATE INDEX jobs_by_issue ON jobs (issue_id);
  CREATE INDEX jobs_waiting ON jobs (queue_key, id) WHERE status = 'PENDING' AND slot_id IS NULL;
  CREATE UNIQUE INDEX jobs_by_slot ON jobs (slot_id) WHERE slot_id IS NOT NULL;
  CREATE TABLE released_slots (slot_id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE attempts (
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    PRIMARY KEY (job_id, attempt)
  ) WITHOUT ROWID;
  CREATE TABLE messages (
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    position INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job_id, attempt, position)
  );
  CREATE TABLE steps (
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    number INTEGER NOT NULL,
    issue_id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (job_id, attempt, number)
  );
  CREATE INDEX steps_by_issue ON steps (issue_id);
  CREATE TABLE workspace_files (
    job_id TEXT NOT NULL,
    path TEXT NOT NULL,
    content TEXT,
    PRIMARY KEY (job_id, path)
  );
  CREATE TABLE logs (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    record TEXT NOT NULL
  );
  CREATE INDEX logs_by_issue ON logs (issue_id);
  CREATE TABLE artifacts (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    type TEXT NOT NULL,
    record TEXT NOT NULL
  );
  CREATE INDEX artifacts_by_issue ON artifacts (issue_id);
  CREATE INDEX artifacts_by_job ON artifacts (job_id);
  CREATE TABLE artifact_files (
    artifact_id TEXT NOT NULL,
    path TEXT NOT NULL,
    content TEXT,
    PRIMARY KEY (artifact_id, path)
  );
  CREATE TABLE bodies (id TEXT PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE reviews (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL
  );
  CREATE INDEX reviews_by_issue ON reviews (issue_id);
  CREATE INDEX reviews_by_status ON reviews (status);
  CREATE TABLE effects (
    id TEXT PRIMARY KEY,
    issue_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
  );
  CREATE INDEX effects_by_issue ON effects (issue_id);
`;

/** When the platform was known to have taken a slot back; null until then. */
const settledSlotsMigration = `
  ALTER TABLE released_slots ADD COLUMN settled_at_ms INTEGER;
`;

export const organizationMigrations: readonly string[] = [
  deadlinesMigration + firstMigration,
  submissionsMigration + rememberedAnswersMigration + backlogMigration,
  controlMigration + deadLettersMigration,
  concurrencyKeysMigration,
  budgetMigration,
  settledSlotsMigration,
  liveMigration,
  retentionMigration + archiveMigration,
  waitingMigration,
  openWorkMigration,
  keyUsesMigration,
  toldLimitMigration + delayedJobsMigration,
  decisionsMigration + usedTicketsMigration,
  conversationMigration,
  feedbackMigration,
  replayMigration,
  dryRunMigration,
  outcomesMigration,
  differencesMigration,
];
