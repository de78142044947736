/** Reads an organization's issues from Postgres, each answer in one transaction of that organization. */
import type { Visibility } from "../contracts/caller.ts";
import type { IssueDetail } from "../contracts/organization-rpc.ts";
import type { IssueReader } from "../contracts/ports.ts";
import type { Prisma } from "./generated/client.ts";
import { databaseFailure } from "./database-failure.ts";
import { listIssueRows } from "./issue-list.ts";
import { jobHistory } from "./job-history.ts";
import type { DatabaseSettings } from "./neon-driver.ts";
import { inTenant, withPrisma, type TenantTransaction } from "./prisma-client.ts";
import {
  artifactView,
  effectRecord,
  feedbackRecord,
  issueRecord,
  jobRecord,
  logRecord,
  messageRecord,
  questionRecord,
  reviewRecord,
  stepRecord,
} from "./rows-to-records.ts";

/** Every method throws `AgentError` `unavailable` while Postgres cannot be reached. */
export function createIssueReader(settings: DatabaseSettings): IssueReader {
  const inOrganization = async <Result>(
    organizationId: string,
    read: (transaction: TenantTransaction) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await withPrisma(settings, async (prisma) => inTenant(prisma, organizationId, read));
    } catch (error) {
      throw databaseFailure(error);
    }
  };
  return {
    list: async (page) => {
      const rows = await inOrganization(page.organizationId, async (transaction) => listIssueRows(transaction, page));
      return rows.map((row) => issueRecord(row));
    },

    read: async (organizationId, issueId, visibility) =>
      inOrganization(organizationId, async (transaction) =>
        detailOf(transaction, organizationId, { id: issueId, ...visibleTo(visibility) }),
      ),

    readByReview: async (organizationId, reviewId) =>
      inOrganization(organizationId, async (transaction) =>
        detailOf(transaction, organizationId, { reviews: { some: { organizationId, id: reviewId } } }),
      ),

    listSteps: async (organizationId, issueId) => {
      const rows = await inOrganization(organizationId, async ({ agentStep }) =>
        agentStep.findMany({
          where: { organizationId, issueId },
          orderBy: [{ job: { createdAt: "asc" } }, { jobId: "asc" }, { attempt: "asc" }, { number: "asc" }],
        }),
      );
      return rows.map((row) => stepRecord(row));
    },

    listLogs: async (organizationId, issueId) => {
      const rows = await inOrganization(organizationId, async ({ agentLog }) =>
        agentLog.findMany({ where: { organizationId, issueId }, orderBy: [{ timestamp: "asc" }, { id: "asc" }] }),
      );
      return rows.map((row) => logRecord(row));
    },

    jobHistory: async (organizationId, kind) =>
      inOrganization(organizationId, async (transaction) => jobHistory(transaction, organizationId, kind)),

    listArtifacts: async (organizationId, issueId) => {
      const rows = await inOrganization(organizationId, async ({ agentArtifact }) =>
        agentArtifact.findMany({ where: { organizationId, issueId }, ...oldestFirst }),
      );
      return rows.map((row) => artifactView(row));
    },
  };
}

/** The one issue of the organization that a condition describes. */
async function detailOf(
  { agentIssue, agentStep }: TenantTransaction,
  organizationId: string,
  which: Prisma.AgentIssueWhereInput,
): Promise<IssueDetail | null> {
  const row = await agentIssue.findFirst({
    where: { ...which, organizationId },
    include: {
      jobs: oldestFirst,
      reviews: oldestFirst,
      effects: oldestFirst,
      questions: { orderBy: { id: "asc" } },
      messages: { orderBy: { id: "asc" } },
      feedback: { orderBy: { person: "asc" } },
    },
  });
  if (row === null) return null;
  return {
    issue: issueRecord(row),
    jobs: row.jobs.map((job) => jobRecord(job)),
    stepCount: await agentStep.count({ where: { organizationId, issueId: row.id } }),
    reviews: row.reviews.map((review) => reviewRecord(review)),
    effects: row.effects.map((effect) => effectRecord(effect)),
    questions: row.questions.map((question) => questionRecord(question)),
    messages: row.messages.map((message) => messageRecord(message)),
    feedback: row.feedback.map((given) => feedbackRecord(given)),
    // What the object has given up has nothing left to run.
    waitingFor: null,
    reservedMicroUsd: 0,
    waitingReason: null,
  };
}

const oldestFirst: { orderBy: ({ createdAt: "asc" } | { id: "asc" })[] } = {
  orderBy: [{ createdAt: "asc" }, { id: "asc" }],
};

function visibleTo(visibility: Visibility): Prisma.AgentIssueWhereInput {
  return visibility.kind === "all" ? {} : { createdById: { in: [...visibility.userIds] } };
}
