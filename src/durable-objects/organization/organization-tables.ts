/** An organization's rows: every part that reads and writes the object's storage and decides nothing. */
import type { MessageReceipt, SubmitReceipt } from "../../contracts/organization-rpc.ts";
import { increasingUlids, newId } from "../../core/ids.ts";
import type { ObjectPorts } from "../object-ports.ts";
import { StorageMemory } from "../storage-memory.ts";
import { Archive } from "./archive.ts";
import { ArtifactTable } from "./artifact-table.ts";
import { AttemptTable } from "./attempt-table.ts";
import { BudgetTable } from "./budget-table.ts";
import { ConcurrencyKeys } from "./concurrency-keys.ts";
import { ConversationTable } from "./conversation-table.ts";
import { DatabaseSize } from "./database-size.ts";
import { DeadLetters } from "./dead-letters.ts";
import { DecisionLog } from "./decision-log.ts";
import { EffectTable } from "./effect-table.ts";
import { EventLog } from "./event-log.ts";
import { FeedbackTable } from "./feedback-table.ts";
import { IssueTable } from "./issue-table.ts";
import { JobTable } from "./job-table.ts";
import { KeyUseTable } from "./key-use-table.ts";
import { RememberedAnswers } from "../remembered-answers.ts";
import { ReviewTable } from "./review-table.ts";
import { StepTable } from "./step-table.ts";
import { SubmissionTable } from "./submission-table.ts";
import { TermsKeeper } from "./terms-keeper.ts";
import { UsedTickets } from "./used-tickets.ts";
import { WorkspaceTable } from "./workspace-table.ts";

export type OrganizationTables = ReturnType<typeof createOrganizationTables>;

/** Opens the tables; a storage without an event log gets a new one, with an incarnation of its own. */
export function createOrganizationTables(
  storage: DurableObjectStorage,
  organizationId: string,
  { clock, random }: Pick<ObjectPorts, "clock" | "random">,
) {
  const { sql } = storage;
  const memory = new StorageMemory(storage);
  const issues = new IssueTable(sql, memory);
  const jobs = new JobTable(sql, memory);
  const artifacts = new ArtifactTable(sql);
  const reviewTable = new ReviewTable(sql, memory);
  const effectTable = new EffectTable(sql, memory);
  const conversation = new ConversationTable(sql);
  const feedback = new FeedbackTable(sql);
  return {
    memory,
    log: new EventLog(storage, memory, newId("incarnation", clock.nowMs(), increasingUlids(random))),
    issues,
    jobs,
    attempts: new AttemptTable(sql),
    steps: new StepTable(sql),
    workspaces: new WorkspaceTable(sql),
    artifacts,
    reviewTable,
    effectTable,
    conversation,
    feedback,
    archive: new Archive({
      memory,
      issues,
      jobs,
      artifacts,
      reviews: reviewTable,
      effects: effectTable,
      conversation,
      feedback,
    }),
    keys: new ConcurrencyKeys(sql, issues, () => jobs.queue.forget()),
    terms: new TermsKeeper(storage, memory, organizationId),
    budgetTable: new BudgetTable(sql, memory),
    keyUses: new KeyUseTable(sql),
    submissions: new SubmissionTable(sql, memory),
    answers: new RememberedAnswers<SubmitReceipt>(sql, "POST /"),
    databaseSize: new DatabaseSize(sql),
    decisions: new DecisionLog(sql),
    usedTickets: new UsedTickets(sql),
    messageAnswers: new RememberedAnswers<MessageReceipt>(sql, "POST /:id/messages"),
    deadLetters: new DeadLetters(sql),
  };
}
